"""Pooled distances between performed and real takes."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.drummers import pooled as humanizer_eval
from ghostnote.music.performance import HIT, Performance


def take(seed, drummer="drummer1", late_ms=0.0, wander=0.0, velocity=0.6, spread=0.05):
    """64 eighths of a snare; `wander` is the correlation of one hit's lateness with the last one's."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 0.005, 64)
    for i in range(1, 64):
        noise[i] = wander * noise[i - 1] + np.sqrt(1 - wander**2) * noise[i]
    hits = np.zeros(64, HIT)
    hits["time"] = 1.0 + np.arange(64) / 4 + late_ms / 1000 + noise
    hits["lane"] = 1
    hits["velocity"] = np.clip(velocity + rng.normal(0, spread, 64), 0.01, 1)
    return Performance(hits, bpm=120.0, duration=20.0, drummer=drummer, name=f"take{seed}")


def compare(real, played):
    return humanizer_eval.compare(real, [[one] for one in played])


REAL = [take(seed, f"drummer{1 + seed % 2}", wander=0.8) for seed in range(12)]


def test_the_real_takes_are_at_no_distance_from_themselves():
    assert all(e.value == e.low == e.high == 0 for e in compare(REAL, REAL).values())


def test_a_late_drummer_is_as_far_as_he_is_late():
    late = [replace(p, hits=shifted(p, 0.010)) for p in REAL]
    found = compare(REAL, late)
    assert found["timing [ms]"].value == pytest.approx(10, abs=0.3)
    assert found["timing profile [ms]"].value == pytest.approx(10, abs=0.3)
    assert found["velocity"].value == 0 and found["timing wandering"].value == pytest.approx(0, abs=1e-6)


def shifted(performance, seconds):
    hits = performance.hits.copy()
    hits["time"] += seconds
    return hits


def test_softer_hits_show_in_velocity_alone():
    soft = [replace(p, hits=softer(p)) for p in REAL]
    found = compare(REAL, soft)
    assert found["velocity"].value == pytest.approx(0.2, abs=0.01)
    assert found["velocity profile"].value == pytest.approx(0.2, abs=0.01)
    assert found["timing [ms]"].value == 0


def softer(performance):
    hits = performance.hits.copy()
    hits["velocity"] -= 0.2
    return hits


def test_takes_that_tremble_instead_of_wander_differ_in_wandering_alone():
    trembling = [take(100 + seed, f"drummer{1 + seed % 2}", wander=0.0) for seed in range(12)]
    wandering = [take(200 + seed, f"drummer{1 + seed % 2}", wander=0.8) for seed in range(12)]
    far, near = compare(REAL, trembling)["timing wandering"], compare(REAL, wandering)["timing wandering"]
    assert near.high < far.low


def test_takes_are_pooled_by_drummer_so_that_the_order_of_his_takes_does_not_matter():
    one, other = REAL[::2], REAL[1::2]
    mixed = [*one[1:], one[0], *other[1:], other[0]]
    same = compare([*one, *other], mixed)
    assert same["timing [ms]"].value == pytest.approx(0) and same["timing [ms]"].high > 0


def test_a_pattern_played_several_times_is_measured_by_what_its_renditions_have_in_common():
    def late_by(ms):
        return [replace(p, hits=shifted(p, ms / 1000)) for p in REAL]

    several = humanizer_eval.compare(REAL, list(zip(late_by(-10), late_by(10), strict=True)))
    assert several["timing profile [ms]"].value == pytest.approx(0, abs=0.3)
    assert several["timing [ms]"].value < compare(REAL, late_by(10))["timing [ms]"].value
    twice = humanizer_eval.compare(REAL, [[p, p] for p in late_by(10)])
    assert twice["timing [ms]"] == compare(REAL, late_by(10))["timing [ms]"]


def test_both_intervals_are_of_the_same_distance_and_the_jackknife_lies_around_it():
    other = [[take(300 + seed, f"drummer{1 + seed % 2}", wander=0.8)] for seed in range(12)]
    left_out, drawn = humanizer_eval.compare(REAL, other), humanizer_eval.resampled(REAL, other)
    for name, found in left_out.items():
        assert found.value == pytest.approx(drawn[name].value)
        assert found.value - found.low == pytest.approx(found.high - found.value)
    far = drawn["velocity wandering"]
    assert far.value - far.low < far.high - far.value


def test_the_nearer_of_two_has_a_difference_below_nothing():
    near, far = ([[replace(p, hits=shifted(p, late))] for p in REAL] for late in (0.002, 0.010))
    found = humanizer_eval.difference(REAL, near, far)
    assert found["timing [ms]"].high < 0 and found["timing [ms]"].value == pytest.approx(-8, abs=0.3)
    assert humanizer_eval.difference(REAL, near, near)["timing [ms]"].value == 0
