"""The limiter: nothing above the ceiling, nothing changed below it, the same for any cut into blocks."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.render.limiter import CEILING_DB, Limiter, limit

CEILING = 10 ** (CEILING_DB / 20)


def noise(frames, loud, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((frames, 2)) * loud).astype(np.float32)


@given(st.lists(st.integers(0, 700), min_size=1, max_size=12), st.floats(0, 4), st.sampled_from([0, 1, 64]))
@settings(max_examples=40, deadline=None)
def test_any_cut_into_blocks_gives_the_same_late_but_limited_sound(sizes, loud, lookahead):
    sound = noise(sum(sizes), loud)
    whole = Limiter(48000, lookahead=lookahead).process(sound)
    limiter = Limiter(48000, lookahead=lookahead)
    edges = np.cumsum([0, *sizes])
    parts = [limiter.process(sound[a:b]) for a, b in pairwise(edges)]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)
    assert np.abs(whole).max(initial=0) <= CEILING * 1.00001


@pytest.mark.parametrize("lookahead", [0, 64])
def test_what_is_below_the_ceiling_is_only_late(lookahead):
    sound = np.clip(noise(4000, 0.3), -0.9, 0.9)
    limiter = Limiter(48000, lookahead=lookahead)
    np.testing.assert_array_equal(limiter.process(sound)[lookahead:], sound[: 4000 - lookahead])
    assert limiter.reduction_db == 0


def test_a_single_peak_is_turned_down_with_its_surroundings_and_released():
    sound = np.full((24000, 2), 0.1, np.float32)
    sound[6000] = 4.0
    out, reduction = limit(sound, 48000)
    assert len(out) == len(sound)
    assert abs(out[6000, 0] - CEILING) < 0.01
    assert reduction == pytest.approx(20 * np.log10(4 / CEILING), abs=0.01)
    np.testing.assert_array_equal(out[: 6000 - 128], sound[: 6000 - 128])
    steps = np.abs(np.diff(np.delete(out[:, 0], 6000)))
    assert steps.max() < 0.003  # no edge in the gain
    np.testing.assert_allclose(out[-1], sound[-1])


def test_both_channels_move_together():
    sound = noise(3000, 0.1)
    sound[:, 1] *= 30
    out, _ = limit(sound, 48000)
    gain = out[1000:2000] / sound[1000:2000]
    np.testing.assert_allclose(gain[:, 0], gain[:, 1], rtol=1e-4)


def test_what_is_not_a_number_becomes_silence():
    sound = np.clip(noise(500, 0.3), -0.9, 0.9)
    sound[100, 0], sound[200, 1] = np.nan, np.inf
    out, _ = limit(sound, 48000)
    assert np.isfinite(out).all()
    assert out[100, 0] == out[200, 1] == 0
    np.testing.assert_array_equal(out[300:], sound[300:])
