"""Performances as compound tokens and back."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drummers.common.tokens import EVENT, OFFSETS, OPEN_HAT, VELOCITIES, Score, decode, encode, slots_per_bar
from ghostnote.errors import InputError
from ghostnote.music.articulations import LANE_OF_NAME
from ghostnote.music.performance import Performance, make_hits

METERS = [(4, 4), (3, 4), (6, 8), (7, 8), (5, 4), (12, 16)]


@st.composite
def scores(draw):
    meter = draw(st.sampled_from(METERS))
    slots = slots_per_bar(meter)
    place = st.tuples(
        st.integers(0, 5), st.integers(0, slots - 1), st.integers(0, 21), st.integers(0, OFFSETS - 1)
    ).filter(lambda p: p[:2] != (0, 0) or p[3] >= OFFSETS // 2)
    places = sorted(draw(st.sets(place, min_size=1, max_size=40)))
    rows = [(*place, draw(st.integers(0, VELOCITIES - 1))) for place in places]
    return Score(np.array(rows, EVENT), slots, places[-1][0] + 1), meter


@settings(deadline=None)
@given(scores(), st.floats(40, 250))
def test_tokens_survive_the_way_to_a_performance_and_back(made, bpm):
    score, meter = made
    performance = decode(score, Performance(make_hits([(0, 0, 1)]), bpm=bpm, meter=meter))
    again = encode(performance)
    assert (again.slots, again.bars) == (score.slots, score.bars)
    assert again.events.tolist() == score.events.tolist()


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 20), st.integers(0, 21), st.floats(0.01, 1)), min_size=1, max_size=60))
def test_a_hit_keeps_its_time_within_half_a_tick_and_its_velocity_within_half_a_bin(rows):
    before = Performance(make_hits(rows), bpm=120)
    after = decode(encode(before), before)
    half_tick = 60 / 120 / 4 / OFFSETS / 2 + 1e-9
    for time, lane, velocity in before.hits.tolist():
        same = after.hits[(after.hits["lane"] == lane) & (np.abs(after.hits["time"] - time) <= half_tick)]
        assert len(same)
        assert same["velocity"].max() >= velocity - 0.5 / VELOCITIES - 1e-6


def test_a_stroke_just_before_the_barline_belongs_to_the_next_bar():
    score = encode(Performance(make_hits([(0.0, 0, 1), (1.96, 1, 1)]), bpm=120))
    assert score.bars == 2
    assert score.events[["bar", "slot"]].tolist() == [(0, 0), (1, 0)]
    assert score.events["offset"][1] < OFFSETS // 2


def test_the_pedal_follows_the_hat():
    hat = [(0.0, LANE_OF_NAME["hat_open_bow"], 0.5), (0.5, LANE_OF_NAME["hat_pedal"], 0.5)]
    found = decode(encode(Performance(make_hits(hat))), Performance(make_hits(hat)))
    np.testing.assert_allclose(found.openness["value"], [OPEN_HAT, 0.0])


@pytest.mark.parametrize("meter", [(1, 4), (7, 4), (3, 64), (2, 16)])
def test_a_meter_that_does_not_fit_is_named(meter):
    with pytest.raises(InputError, match=f"meter {meter[0]}/{meter[1]} cannot be continued"):
        encode(Performance(make_hits([(0, 0, 1)]), meter=meter))


def test_hits_before_the_first_bar_are_refused():
    early = replace(Performance(make_hits([(0.0, 0, 1)])), hits=make_hits([(-0.2, 0, 1), (0.0, 0, 1)]))
    with pytest.raises(InputError, match="first barline"):
        encode(early)
