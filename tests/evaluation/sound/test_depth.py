import numpy as np
import pytest

from evaluation.sound.depth import LEAD, row_dynamics, row_joins, stroke
from evaluation.sound.dynamics import loudness_db, measure_dynamics
from evaluation.sound.joins import measure_joins
from ghostnote.music.articulations import LANE_OF_NAME
from ghostnote.music.performance import Performance, make_hits

RATE = 48000
NOISE = np.random.default_rng(0).uniform(-1, 1, RATE // 2)


def test_loudness_is_the_loudest_150_ms_of_the_louder_channel():
    audio = np.zeros((RATE, 2))
    audio[9600:, 1] = np.where(np.arange(RATE - 9600) % 2, 0.5, -0.5)
    assert loudness_db(audio, RATE) == pytest.approx(20 * np.log10(0.5), abs=0.01)
    assert loudness_db(np.zeros(100), RATE) == pytest.approx(-80)


def test_amplitude_in_proportion_to_velocity_is_monotone_with_a_known_slope():
    (result,) = measure_dynamics(lambda lane, v: NOISE * 10 ** (30 * (v - 1) / 20), [0], RATE)
    assert result.slope_db == pytest.approx(30, abs=0.01)
    assert result.monotone
    assert result.largest_fall_db == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("dip_db", "monotone"), [(0.4, True), (0.6, False)])
def test_a_fall_is_tolerated_up_to_half_a_decibel(dip_db, monotone):
    levels = {0.25: -20.0, 0.5: -10.0, 0.75: -10.0 - dip_db, 1.0: -5.0}
    (result,) = measure_dynamics(lambda lane, v: NOISE * 10 ** (levels[v] / 20), [3], RATE, tuple(levels))
    assert result.largest_fall_db == pytest.approx(dip_db, abs=0.01)
    assert result.monotone is monotone
    assert result.articulation == "side_stick"


def test_a_fall_is_measured_from_the_loudest_lighter_stroke():
    levels = {0.25: -10.0, 0.5: -12.0, 0.75: -11.0}
    (result,) = measure_dynamics(lambda lane, v: NOISE * 10 ** (levels[v] / 20), [0], RATE, tuple(levels))
    assert result.largest_fall_db == pytest.approx(2, abs=0.01)


def test_a_stroke_opens_the_hat_only_for_open_hat_lanes():
    assert stroke(LANE_OF_NAME["hat_open_bow"], 0.5).openness["value"].tolist() == [1.0]
    assert stroke(LANE_OF_NAME["kick"], 0.5).openness["value"].tolist() == [0.0]


def test_row_dynamics_render_each_stroke_alone():
    def render(performance, kit, start, stop):
        (hit,) = performance.hits
        audio = np.zeros((stop - start, 1), np.float32)
        audio[round(hit["time"] * RATE) - start :] = hit["velocity"]
        assert (kit, start) == ("kit", 0)
        return audio

    (result,) = row_dynamics(render, "kit", RATE, [5])
    assert stroke(5, 1.0).hits["time"].tolist() == [LEAD]
    assert result.loudness_db[-1] == pytest.approx(0, abs=1e-6)
    assert result.monotone


def test_a_step_at_a_join_stands_out_and_smooth_sound_does_not():
    tone = 0.5 * np.sin(2 * np.pi * 100 * np.arange(RATE) / RATE)
    smooth = measure_joins(tone, [12000, 24100], RATE)
    assert smooth.ratio <= 1
    broken = tone.copy()
    broken[24100:] += 0.3
    found = measure_joins(np.stack([tone, broken], axis=1), [12000, 24100], RATE)
    assert found.at_joins == pytest.approx(0.3, abs=0.01)
    assert found.ratio > 10
    assert (found.count, found.standing_out) == (2, 0.5)


def test_joins_at_the_edges_none_at_all_and_outside():
    clip = np.arange(10.0)
    assert measure_joins(clip, [1, 9], RATE).at_joins == 1
    assert measure_joins(clip, [], RATE).at_joins == 0
    assert measure_joins(np.zeros(10), [5], RATE).ratio == 0
    with pytest.raises(ValueError, match=r"1\.\.9, found 0\.\.10"):
        measure_joins(clip, [0, 10], RATE)


def test_row_joins_are_the_edges_of_windows_rendered_one_by_one():
    take = Performance(make_hits([(0.5 * i, 0, 0.8) for i in range(24)]), bpm=120, duration=12.0)
    calls = []

    def render(performance, kit, start, stop):
        calls.append((start, stop))
        return np.full((stop - start, 2), len(calls) / 10, np.float32)

    joins = row_joins(render, "kit", take, RATE)
    assert calls == [(2 * RATE * k, 2 * RATE * (k + 1)) for k in range(6)]
    assert (joins.count, joins.at_joins, joins.elsewhere) == (5, pytest.approx(0.1), 0)
    assert joins.ratio == np.inf
