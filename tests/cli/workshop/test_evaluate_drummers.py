import csv

import pytest

from cli.main import run
from studies.drummers.context import beat_of


@pytest.fixture(scope="module")
def page(data_dir, tmp_path_factory):
    """What a quick evaluation without any model writes: real drums and baselines."""
    pytest.importorskip("torch", reason="needs the extra train")
    pytest.importorskip("sklearn", reason="needs the extra evaluate")
    folder = tmp_path_factory.mktemp("drummers")
    places = [
        "--models",
        str(folder / "none"),
        "--classifiers",
        str(folder / "ears"),
        "--out",
        str(folder),
        "--notes",
        str(folder / "notes"),
    ]
    assert run(["evaluate", "drummers", "--quick", "--data", str(data_dir), *places]) == 0
    return folder


@pytest.fixture(scope="module")
def rows(page):
    with (page / "results-drummers.csv").open(newline="") as file:
        return {(r["section"], r["row"], r["measure"]): r for r in csv.DictReader(file)}


def test_baselines_are_measured_where_a_model_is_missing_and_the_page_says_so(page, rows):
    text = (page / "results-drummers.md").read_text()
    assert text.count("Not measured: ") >= 3
    assert "| not measured |" in text
    assert ("Styles of loops", "cell lottery", "accuracy, 18 styles") in rows
    assert 0.6 < float(rows["Continuation", "repeat last bar", "hit F1, slots, 1 bar"]["value"]) < 0.9


def test_real_takes_are_better_recognised_than_by_the_majority(rows):
    real = float(rows["Styles of loops", "real, all loops", "accuracy, 18 styles"]["value"])
    assert real > float(rows["Styles of loops", "majority", "accuracy, 18 styles"]["value"])


def test_a_set_beat_is_one_whoever_plays_it():
    first, second, other = (beat_of(f"drummer{who}/eval_session/{beat}") for who, beat in ((1, 7), (8, 7), (8, 8)))
    assert first == second != other
    assert beat_of("drummer1/session1/7") != beat_of("drummer8/session1/7")


def test_real_loops_of_every_performance_are_recognised_too(rows):
    where = "Styles of loops, every performance"
    assert float(rows[where, "real loops", "accuracy, 7 groups, all performances"]["value"]) > 0.3
    assert (where, "real loops", "named as rock") in rows


def test_every_number_has_its_interval_its_count_and_its_protocol(rows):
    for key, row in rows.items():
        assert row["protocol"], key
        if "seed" not in row["row"]:
            assert int(row["count"]) > 0, key
            assert float(row["low"]) - 1e-6 <= float(row["value"]) <= float(row["high"]) + 1e-6, key


def test_a_section_measured_again_keeps_the_others(page, data_dir):
    before = (page / "results-drummers.csv").read_text()
    places = ["--models", str(page / "none"), "--out", str(page), "--notes", str(page / "notes")]
    assert run(["evaluate", "drummers", "--quick", "--data", str(data_dir), "--only", "speed", *places]) == 0
    assert (page / "results-drummers.csv").read_text() == before


def test_an_unknown_section_is_named_with_the_choices(data_dir, capsys):
    assert run(["evaluate", "drummers", "--data", str(data_dir), "--only", "taste"]) == 2
    assert "no section 'taste': choose from styles, crossed, latents" in capsys.readouterr().err


def test_a_folder_without_the_dataset_is_named(tmp_path, capsys):
    assert run(["evaluate", "drummers", "--data", str(tmp_path)]) == 2
    assert "no Groove MIDI Dataset" in capsys.readouterr().err
