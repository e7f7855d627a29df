from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("mir_eval", reason="needs the extra evaluate")

from evaluation.drummers.baselines import CellLottery
from evaluation.drummers.feel import DISTANCES, apart, apart_by_class, timing, velocity
from evaluation.drummers.loops import Loop
from ghostnote.music.articulations import LANE_OF_NAME
from ghostnote.music.performance import Performance, make_hits

KICK, HAT = LANE_OF_NAME["kick"], LANE_OF_NAME["hat_closed_bow"]
REAL = Performance(
    make_hits([(i * 0.25 + 0.004 * (i % 3), (KICK, HAT)[i % 2], 0.3 + 0.05 * (i % 9)) for i in range(32)]), bpm=120
)


def moved(seconds=0.0, louder=0.0):
    hits = REAL.hits.copy()
    hits["time"] += seconds
    hits["velocity"] += louder
    return replace(REAL, hits=hits)


@pytest.mark.parametrize("name", DISTANCES)
def test_the_same_feel_has_no_distance_and_another_has(name):
    assert DISTANCES[name](REAL, REAL) == 0
    assert DISTANCES[name](REAL, moved(0.01, 0.1)) > 0


def test_timing_is_in_milliseconds_from_the_nearest_sixteenth():
    assert timing(moved(0.01))[:3] == pytest.approx([10, 14, 18])
    assert apart(REAL, moved(0.01), timing) == pytest.approx(10)
    assert apart(REAL, moved(louder=0.1), velocity) == pytest.approx(0.1)


def test_an_exchange_between_pieces_is_heard_by_class_only():
    late_kick, late_hat = (REAL.hits.copy() for _ in range(2))
    late_kick["time"][0::2] += 0.01
    late_hat["time"][1::2] += 0.01
    a, b = (replace(REAL, hits=np.sort(hits, order="time")) for hits in (late_kick, late_hat))
    assert apart_by_class(a, b, timing) == pytest.approx(10, abs=0.5)
    assert apart(a, b, timing) < 5


def test_the_lottery_strikes_as_often_as_its_style_and_like_it():
    rng = np.random.default_rng(0)
    grids = np.zeros((10, 16, 9, 3), np.float32)
    grids[:, 0, 0] = (1, 0.1, 0.8)
    grids[:5, 8, 1] = (1, -0.1, 0.4)
    loops = [Loop(grid, "funk", "", str(i), 100) for i, grid in enumerate(grids)]
    drawn = np.stack([CellLottery(loops, ["funk"] * 10).draw("funk", rng) for _ in range(200)])
    assert drawn[:, 0, 0] == pytest.approx(np.tile([1, 0.1, 0.8], (200, 1)))
    assert 0.35 < drawn[:, 8, 1, 0].mean() < 0.65
    assert drawn[..., 0].sum() == drawn[:, 0, 0, 0].sum() + drawn[:, 8, 1, 0].sum()


def test_the_lottery_counts_performances_not_loops():
    grids = np.zeros((10, 16, 9, 3), np.float32)
    grids[0, 4, 2] = (1, 0, 0.5)
    loops = [Loop(grid, "funk", "", "short" if i == 0 else "long", 100) for i, grid in enumerate(grids)]
    lottery = CellLottery(loops, ["funk"] * 10)
    struck = [lottery.draw("funk", np.random.default_rng(i))[4, 2, 0] for i in range(200)]
    assert 0.35 < np.mean(struck) < 0.65
