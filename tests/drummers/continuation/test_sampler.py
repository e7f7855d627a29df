"""Whatever a network says, what is drawn is a valid bar."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from drummers.common.tokens import EVENT, OFFSETS, VELOCITIES, Score, encode
from drummers.continuation.features import Condition
from drummers.continuation.sampler import MAX_STROKES, agreed, candidates, draw
from ghostnote.music.articulations import N_LANES
from tests.support.continuation import WildNetwork, rock

CONDITION = Condition(17, 1, 110.0)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from([(4, 4), (3, 4), (7, 8), (6, 4)]),
    st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    st.sampled_from([-1000.0, 0.0, 30.0]),
    st.integers(1, 4),
)
def test_no_invalid_token_is_ever_drawn(seed, meter, temperature, end, bars):
    context = encode(rock(bars, meter=meter))
    rng = np.random.default_rng(seed)
    for bar in candidates(WildNetwork(seed, end), context, CONDITION, 3, temperature, rng):
        assert len(bar) <= MAX_STROKES
        assert (bar["bar"] == 0).all()
        for name, size in (("slot", context.slots), ("lane", N_LANES), ("offset", OFFSETS), ("velocity", VELOCITIES)):
            assert ((bar[name] >= 0) & (bar[name] < size)).all()
        places = bar[["slot", "lane", "offset"]].tolist()
        assert places == sorted(set(places))


def test_a_network_that_never_ends_a_bar_is_ended():
    bar = candidates(WildNetwork(0, -1e9), encode(rock()), CONDITION, 1, 1.0, np.random.default_rng(0))[0]
    assert 0 < len(bar) <= MAX_STROKES


def test_temperature_0_draws_the_likeliest_allowed():
    logits = np.array([[0.0, 3.0, 2.0], [1.0, 0.0, -1.0]], np.float32)
    allowed = np.array([[True, False, True], [True, True, True]])
    assert draw(logits, allowed, 0.0, np.random.default_rng(0)).tolist() == [2, 0]


def test_draws_follow_the_softmax_of_what_is_allowed():
    logits = np.tile(np.log([[0.1, 0.6, 0.3]]), (20000, 1)).astype(np.float32)
    allowed = np.tile([[True, False, True]], (20000, 1))
    drawn = draw(logits, allowed, 1.0, np.random.default_rng(0))
    np.testing.assert_allclose(np.bincount(drawn, minlength=3) / 20000, [0.25, 0, 0.75], atol=0.015)


def strokes(*slots, lane=0, velocity=20):
    return np.array([(0, slot, lane, 12, velocity) for slot in slots], EVENT)


def test_what_candidates_and_the_bars_heard_agree_on_is_played():
    heard = Score(strokes(0, 4), 16, 1)
    proposals = [strokes(0, 8), strokes(0, 8), strokes(0, 8, 12), strokes(3), strokes(0, 8)]
    assert agreed(proposals, heard)["slot"].tolist() == [0, 4, 8]
    assert agreed([strokes(3), strokes(5), strokes(7)], Score(strokes(), 16, 1))["slot"].tolist() == [3, 5, 7]
    assert len(agreed([strokes(), strokes()], Score(strokes(), 16, 1))) == 0


def test_how_a_stroke_is_played_comes_from_the_candidate_that_agrees_best():
    proposals = [strokes(0, velocity=1), strokes(0, 8, velocity=2), *[strokes(0, 8, 9, velocity=3)] * 3]
    assert agreed(proposals, Score(strokes(4, velocity=9), 16, 1))[["slot", "velocity"]].tolist() == [
        (0, 2),
        (4, 9),
        (8, 2),
    ]


def test_the_context_is_not_changed():
    context = encode(rock())
    before = context.events.copy()
    candidates(WildNetwork(1), context, CONDITION, 2, 1.0, np.random.default_rng(0))
    assert isinstance(context, Score)
    assert (context.events == before).all()
