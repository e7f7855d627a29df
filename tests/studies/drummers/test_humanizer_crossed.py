"""The humaniser over every performance: which takes a network has learnt, and what decides, on made takes."""

from dataclasses import replace

import numpy as np
import pytest

from ghostnote.music.performance import HIT, Performance
from studies.drummers.context import StudyContext
from studies.drummers.humanizer_crossed import DECIDES, HUMANISED, folds, found, humanizer_crossed, play

pytest.importorskip("torch", reason="needs the extra train")
SPLITS = ("train", "train", "validation", "test")


def take(number, drummer, kind="beat", session="session1", meter=(4, 4)):
    """Eight bars of eighths on two lanes, late and loud as drawn."""
    rng = np.random.default_rng(number + 1000 * drummer)
    hits = np.zeros(64, HIT)
    hits["time"] = np.maximum(0, np.arange(64) / 4 + rng.normal(0.004 * drummer, 0.006, 64))
    hits["lane"] = np.arange(64) % 2
    hits["velocity"] = np.clip(0.3 + 0.1 * drummer + rng.normal(0, 0.08, 64), 0.05, 1)
    name = f"drummer{drummer}/{session}/{number}"
    split = SPLITS[number % 4]
    return Performance(
        hits,
        bpm=120.0,
        duration=16.5,
        meter=meter,
        drummer=f"drummer{drummer}",
        style="rock",
        kind=kind,
        name=name,
        split=split,
    )


MADE = [take(n, who, "fill" if n % 3 == 2 else "beat") for who in (1, 2, 3) for n in range(12)]
MADE += [take(n, who, session="eval_session") for who in (1, 2) for n in range(4)]
MADE += [take(100, 1, meter=(3, 4))]


def test_every_four_four_beat_is_humanised_once_by_a_network_that_has_not_learnt_it():
    parts = folds(MADE, 4)
    played = [one.real.name for part in parts for one in part.takes]
    assert sorted(played) == sorted(p.name for p in MADE if p.kind == "beat" and p.meter == (4, 4))
    for part in parts:
        assert not {one.real.name for one in part.takes} & {p.name for p in part.labelled_loops}


def test_a_set_beat_is_in_one_part_whoever_plays_it_and_drummers_are_dealt_evenly():
    parts = folds(MADE, 4)
    beats = [{p.name.split("/", 1)[1] for p in part.labelled_loops if "eval_session" in p.name} for part in parts]
    for part, learnt in zip(parts, beats, strict=True):
        assert not learnt & {one.real.name.split("/", 1)[1] for one in part.takes}
    for who in (1, 2, 3):
        counts = [sum(one.number == who and "session1" in one.real.name for one in part.takes) for part in parts]
        assert max(counts) - min(counts) <= 1 and sum(counts) == 8


def test_takes_for_validation_come_from_outside_the_part_and_are_not_learnt():
    was = {p.name: p.split for p in MADE}
    for part in folds(MADE, 4):
        assert {p.split for p in part.labelled_loops} == {"train", "validation"}
        assert all((p.split == "validation") == (was[p.name] == "validation") for p in part.labelled_loops)


def test_the_baselines_know_nothing_of_the_part():
    part = folds(MADE, 4)[0]
    mine = {one.real.name for one in part.takes}
    louder = [replace(p, hits=loud(p)) if p.name in mine else p for p in MADE]
    again = folds(louder, 4)[0]
    assert {one.real.name for one in again.takes} == mine
    for name in ("velocity", "timing_sd", "velocity_sd"):
        np.testing.assert_array_equal(getattr(part.habits, name), getattr(again.habits, name))


def loud(performance):
    hits = performance.hits.copy()
    hits["velocity"] = 1
    return hits


class Copyist:
    """Plays what it is given, as the seed is."""

    def humanize(self, pattern, *, drummer, style, seed):
        return replace(pattern, name=f"{drummer} {style} {seed}")


def test_humaniser_and_jitter_play_a_pattern_once_for_each_seed_as_the_drummer_of_the_take():
    part = folds(MADE, 4)[0]
    one = part.takes[0]
    rows = play(Copyist(), part, one, [3, 7])
    assert [p.name for p in rows[HUMANISED]] == [f"{one.number} rock 3", f"{one.number} rock 7"]
    assert len(rows["jitter"]) == 2 and rows["quantised"] == [one.pattern]


def test_a_humaniser_that_plays_as_the_drummers_do_is_nearer_and_one_that_does_not_is_named():
    takes = [one for part in folds(MADE, 4) for one in part.takes]
    real = [one.real for one in takes]
    pattern = [[one.pattern] for one in takes]
    good = found(real, {HUMANISED: [[p] for p in real], "quantised": pattern, "jitter": pattern})
    claim = good.claims[0]
    assert "(decides)" in claim.text and claim.found.endswith("of 6 distances") == bool(claim.holds)
    values = {(f.row, f.measure): f.estimate.value for f in good.sections[0].figures}
    assert values[HUMANISED, "velocity"] == 0 < values["jitter", "velocity"]
    bad = found(real, {HUMANISED: pattern, "quantised": pattern, "jitter": pattern}).claims[0]
    assert bad.holds is False and bad.found.startswith("0 of 6 distances; not timing")


def test_networks_are_trained_once_and_kept_and_the_page_has_all_rows(tmp_path):
    made = [replace(p, name=f"{p.name}-{i}") for i in range(16) for p in MADE]
    context = StudyContext(made, tmp_path / "none", tmp_path / "ears", tmp_path, quick=True)
    first = humanizer_crossed(context)
    kept = sorted(path.name for path in (tmp_path / "ears").iterdir())
    assert kept == ["humanizer_without_0_quick", "humanizer_without_1_quick"]
    written = [(path / "run" / "best.pt").stat().st_mtime_ns for path in sorted((tmp_path / "ears").iterdir())]
    assert humanizer_crossed(context) == first
    assert written == [(path / "run" / "best.pt").stat().st_mtime_ns for path in sorted((tmp_path / "ears").iterdir())]
    rows = {(f.row, f.measure) for section in first.sections for f in section.figures}
    assert {row for row, _ in rows} == {HUMANISED, "quantised", "jitter"} and len(rows) == 18
    assert "not the shipped file" in DECIDES and "not the shipped file" in first.sections[0].text
