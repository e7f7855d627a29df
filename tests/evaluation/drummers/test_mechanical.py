import numpy as np
import pytest

pytest.importorskip("mir_eval", reason="needs the extra evaluate")

from evaluation.drummers.feel import timing
from evaluation.drummers.mechanical import habits, jittered, quantised
from ghostnote.music.articulations import LANE_OF_NAME
from ghostnote.music.performance import Performance, make_hits

KICK, SNARE = LANE_OF_NAME["kick"], LANE_OF_NAME["snare"]


def take(seed=0, count=600):
    rng = np.random.default_rng(seed)
    lanes = np.array([KICK, SNARE])[np.arange(count) % 2]
    times = 0.25 * np.arange(1, count + 1) + rng.normal(0.005, np.where(lanes == KICK, 0.004, 0.012))
    loud = np.clip(rng.normal(np.where(lanes == KICK, 0.8, 0.4), 0.05), 0.01, 1)
    return Performance(make_hits(list(zip(times, lanes, loud, strict=True))), bpm=120, duration=151)


def test_habits_are_those_of_each_class():
    found = habits([take()])
    assert found.velocity[:2] == pytest.approx([0.8, 0.4], abs=0.02)
    assert found.timing_sd[:2] == pytest.approx([4, 12], rel=0.15)
    assert found.timing_sd[8] == pytest.approx(np.std(timing(take())))


def test_a_quantised_take_keeps_its_hits_and_loses_its_feel():
    real = take()
    flat = quantised(real, habits([real]))
    assert (flat.hits["lane"] == real.hits["lane"]).all()
    assert np.abs(timing(flat)).max() < 1e-6
    assert len(np.unique(flat.hits["velocity"])) == 2


def test_jitter_deviates_as_much_as_drummers_do_and_by_seed():
    real = take()
    of = habits([real])
    shaken = jittered(quantised(real, of), of, 1)
    assert np.std(timing(shaken)[shaken.hits["lane"] == SNARE]) == pytest.approx(12, rel=0.2)
    assert (np.diff(shaken.hits["time"]) >= 0).all()
    assert (shaken.hits == jittered(quantised(real, of), of, 1).hits).all()
    assert (shaken.hits != jittered(quantised(real, of), of, 2).hits).any()
