"""The shipped continuation drummer: in tempo, repeatable, and clear about what it cannot do."""

import shutil
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from cli.main import run
from drummers.common.model_folder import MODELS_DIR
from drummers.common.tokens import encode, slots_per_bar
from drummers.continuation.model import KIND, Continuer, bars_played, followed_by
from ghostnote.errors import BundleError, InputError, MissingError
from ghostnote.files.midi import read_midi, write_midi
from ghostnote.files.midi_map import load_map
from ghostnote.music.performance import make_hits
from tests.support.continuation import rock


@cache
def continuer():
    return Continuer(MODELS_DIR / KIND)


def seconds_per_bar(performance):
    return slots_per_bar(performance.meter) * 15 / performance.bpm


def test_64_bars_stay_in_tempo_and_stay_a_groove():
    start = rock(bpm=117.0)
    played = continuer().play_on(start, 64, drummer=1, seed=3)
    assert played.duration == pytest.approx(64 * seconds_per_bar(start))
    score = encode(played)
    per_bar = np.bincount(score.events["bar"], minlength=64)
    assert len(per_bar) <= 65
    assert (per_bar[:64] > 0).mean() > 0.9
    assert 0.4 < per_bar[48:64].mean() / (len(start.hits) / 4) < 2.5
    slot = 15 / start.bpm
    late = played.hits["time"] - np.rint(played.hits["time"] / slot) * slot
    early, end = late[played.hits["time"] < 16 * 16 * slot], late[played.hits["time"] > 48 * 16 * slot]
    assert abs(np.median(end) - np.median(early)) < 0.02  # no drift against the grid
    assert np.abs(np.median(end)) < 0.03


@pytest.mark.parametrize("meter", [(3, 4), (6, 8), (7, 8), (5, 4)])
def test_other_meters_keep_their_bar(meter):
    start = rock(meter=meter)
    played = continuer().play_on(start, 4)
    assert played.meter == meter
    assert played.duration == pytest.approx(4 * seconds_per_bar(start))
    assert len(played.hits) > 4


def test_the_seed_decides():
    first, again, other = (continuer().play_on(rock(), 2, seed=seed).hits for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_what_repeats_goes_on():
    played = encode(continuer().play_on(rock(8), 2, drummer=1, temperature=0.0))
    heard = encode(rock(1))
    struck = set(played.part(0, 1).events[["slot", "lane"]].tolist())
    expected = set(heard.events[["slot", "lane"]].tolist())
    assert 2 * len(struck & expected) / (len(struck) + len(expected)) > 0.7


def test_what_was_played_is_kept_and_the_new_bars_follow():
    start = rock()
    new = continuer().play_on(start, 2)
    whole = followed_by(start, new)
    assert bars_played(start) == 4
    assert np.array_equal(whole.hits[: len(start.hits)], start.hits)
    join = 4 * seconds_per_bar(start)
    np.testing.assert_allclose(whole.hits["time"][len(start.hits) :], new.hits["time"] + join)
    assert whole.duration == pytest.approx(6 * seconds_per_bar(start))


def test_a_closing_stroke_on_the_barline_begins_no_bar():
    start = rock()
    end = 4 * seconds_per_bar(start)
    closed = replace(start, hits=make_hits([*start.hits.tolist(), (end, 0, 1.0), (end, 15, 1.0)]), duration=end + 0.3)
    assert bars_played(closed) == 4
    assert len(followed_by(closed, continuer().play_on(closed, 1)).hits) > len(start.hits)
    assert bars_played(replace(closed, duration=5 * seconds_per_bar(start))) == 5


@pytest.mark.parametrize(
    ("change", "arguments", "text"),
    [
        ({"hits": make_hits([(0.0, 0, 1.0)])[:0]}, {}, "has no hits"),
        ({"hits": make_hits([(0.0, 0, 1.0), (0.1, 1, 1.0)]), "duration": 0.2}, {}, "too short"),
        ({"meter": (13, 8)}, {}, "meter 13/8 cannot be continued"),
        ({"bpm": 20.0}, {}, "20 bpm: tempi from 30 to 300"),
        ({}, {"drummer": 11}, "no drummer 11: 1 to 10"),
        ({}, {"drummer": -1}, "no drummer -1"),
        ({}, {"style": "polka"}, "no style 'polka': choose one of afrobeat"),
        ({}, {"temperature": 3.0}, "temperature 3 is out of range"),
        ({}, {"bars": 0}, "for 0 bars"),
    ],
)
def test_what_cannot_be_done_is_said(change, arguments, text):
    with pytest.raises(InputError, match=text):
        continuer().play_on(replace(rock(), **change), **{"bars": 1, **arguments})


def test_a_folder_that_is_no_model_is_named(tmp_path):
    with pytest.raises(MissingError, match="nowhere"):
        Continuer(tmp_path / "nowhere")
    copy = tmp_path / "copy"
    shutil.copytree(MODELS_DIR / KIND, copy)
    (copy / "lane.onnx").write_bytes(b"damaged")
    with pytest.raises(BundleError, match=r"lane\.onnx is not the file"):
        Continuer(copy)
    text = (copy / "model.toml").read_text()
    (copy / "model.toml").write_text(text.replace("candidates = 16", "candidates = 0"))
    with pytest.raises(BundleError, match="candidates"):
        Continuer(copy)


def test_the_command_plays_on_from_a_file(tmp_path, capsys):
    source, out = tmp_path / "in.mid", tmp_path / "new" / "out.mid"
    write_midi(rock(), source, load_map("td17"))
    words = ["continue", str(source), "--bars", "2", "-o", str(out), "--style", "funk", "--drummer", "3", "--plot"]
    assert run(words) == 0
    assert "2 bars after 4" in capsys.readouterr().out
    assert out.with_suffix(".png").stat().st_size > 5000
    found, report = read_midi(out, load_map("gm"))
    assert not report.unknown
    assert found.bpm == 110
    assert found.duration == pytest.approx(6 * seconds_per_bar(rock()), abs=0.01)
    assert run([*words[:-1], "--alone"]) == 0
    assert read_midi(out, load_map("gm"))[0].duration == pytest.approx(2 * seconds_per_bar(rock()), abs=0.15)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--style", "polka"], "no style 'polka'"),
        (["--drummer", "12"], "no drummer 12"),
        (["-o", "x.wav"], "must end in .mid"),
        (["--wav", "--kit", "nokit"], "nokit"),
        (["--map", "nomap"], "nomap"),
        (["--model", "nomodel"], "nomodel"),
    ],
)
def test_the_command_says_what_is_wrong_and_writes_nothing(words, text, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_midi(rock(), tmp_path / "in.mid", load_map("td17"))
    assert run(["continue", "in.mid", "--bars", "1", *words]) == 2
    assert text in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["in.mid"]
