import csv

import pytest

from cli.main import run


@pytest.fixture
def quick(data_dir, tmp_path):
    pytest.importorskip("ai_edge_litert", reason="needs the extra evaluate")

    def call(*arguments: str) -> int:
        kits = ["--kits", "tr808,lm2_machine", "--windows-per-kit", "2"]
        return run(["evaluate", "--data", str(data_dir), "--quick", *kits, "--out", str(tmp_path), *arguments])

    return call


def test_results_and_pictures_of_two_kits_are_written(quick, tmp_path):
    assert quick("--pictures", "sampler", "--focus", "sampler") == 0
    with (tmp_path / "results.csv").open(newline="") as file:
        found = {(r["row"], r["kit"], r["measure"]): float(r["value"]) for r in csv.DictReader(file)}
    assert found["silence", "all", "sc"] == pytest.approx(1)
    assert found["sampler", "tr808", "level_db"] == pytest.approx(0, abs=0.1)
    assert found["reference", "all", "onset_f1_50ms"] > 0.7
    assert found["sampler", "tr808", "largest_fall_db_kick"] == pytest.approx(0, abs=0.1)
    assert found["sampler", "tr808", "join_ratio"] <= 1
    assert "Groove MIDI Dataset, test split" in (tmp_path / "results.md").read_text()
    assert {path.name for path in (tmp_path / "spectrograms").iterdir()} == {"tr808.png", "lm2_machine.png"}


def test_unknown_rows_kits_and_focus_are_named_with_the_choices(quick, capsys):
    assert quick("--rows", "gold") == 2
    assert "no row 'gold': choose from silence, sampler" in capsys.readouterr().err
    assert quick("--focus", "gold") == 2
    assert "no measured row 'gold'" in capsys.readouterr().err
    assert quick("--kits", "tr909") == 2
    assert "no kit 'tr909'" in capsys.readouterr().err


def test_a_folder_without_data_is_named(tmp_path, capsys):
    assert run(["evaluate", "--data", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "kits" in capsys.readouterr().err
