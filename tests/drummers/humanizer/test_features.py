"""Slots, bins and what the humaniser knows of a hit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drummers.humanizer.bins import (
    EDGES,
    LARGEST,
    N_VELOCITIES,
    draw,
    offset_class,
    offset_in,
    velocity_class,
    velocity_in,
)
from drummers.humanizer.features import (  # fmt: skip
    HISTORY,
    SLOTS,
    History,
    Pattern,
    PlayingStyle,
    columns,
    context,
    levels_of,
    pattern_of,
    quantize,
    sixteenths,
)
from ghostnote.music.articulations import LANE_OF_NAME
from ghostnote.music.performance import Performance, make_hits


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=40))
def test_hits_on_slots_stay_there(slots):
    assert quantize(np.array(slots) / SLOTS).tolist() == slots


def test_loose_sixteenths_and_loose_triplets_find_their_grids():
    rng = np.random.default_rng(0)
    straight, triplets = np.arange(16) / 4, 4 + np.arange(12) / 3
    beats = np.concatenate([straight, triplets]) + rng.normal(0, 0.01, 28)
    assert quantize(beats).tolist() == [*range(0, 96, 6), *range(96, 192, 8)]


def test_on_sixteenths_a_triplet_becomes_an_offset():
    assert sixteenths(np.array([0.0, 0.667, 1.0])).tolist() == [0, 18, 24]


def test_an_empty_pattern_has_rows_of_no_hits():
    pattern, order = pattern_of(Performance(make_hits([])))
    assert len(order) == 0
    for ahead in (True, False):
        width = max(s.stop for s in columns(ahead).values())
        assert context(pattern, PlayingStyle(), ahead=ahead).shape == (0, width)


def random_pattern(seed, n=60):
    rng = np.random.default_rng(seed)
    slot, lane = rng.integers(0, 60, n) * 4, rng.integers(0, 22, n)
    order = np.lexsort((lane, slot))
    return Pattern(slot[order], lane[order], np.zeros(n, np.int64), 96, 100.0)


@given(st.integers(0, 1000), st.integers(1, 59))
def test_without_looking_ahead_a_row_depends_on_nothing_that_comes_later(seed, cut):
    pattern = random_pattern(seed)
    part = Pattern(pattern.slot[:cut], pattern.lane[:cut], pattern.level[:cut], 96, 100.0)
    whole = context(pattern, PlayingStyle(3, 2), ahead=False)
    np.testing.assert_array_equal(whole[:cut], context(part, PlayingStyle(3, 2), ahead=False))


def test_looking_ahead_sees_what_comes():
    pattern = random_pattern(1)
    part = Pattern(pattern.slot[:30], pattern.lane[:30], pattern.level[:30], 96, 100.0)
    assert np.any(context(pattern, PlayingStyle(), ahead=True)[:30] != context(part, PlayingStyle(), ahead=True))


def test_drummer_and_style_have_columns_of_their_own():
    pattern = random_pattern(2)
    one, other = (context(pattern, feel, ahead=True) for feel in (PlayingStyle(1, 4), PlayingStyle(7, 4)))
    changed = np.flatnonzero(np.any(one != other, axis=0))
    at = columns(True)["drummer"]
    assert set(changed.tolist()) == {at.start + 1, at.start + 7}


def test_levels_are_asked_for_only_by_pieces_that_are_struck_unalike():
    lane = np.array([0, 0, 0, 1, 1, 1])
    velocity = np.array([0.6, 0.6, 0.6, 0.2, 0.5, 0.9])
    assert levels_of(lane, velocity).tolist() == [0, 0, 0, 1, 2, 3]


def test_open_hats_that_are_louder_than_closed_ones_ask_for_nothing():
    closed, open_hat = LANE_OF_NAME["hat_closed_bow"], LANE_OF_NAME["hat_open_bow"]
    lane = np.array([closed, closed, closed, open_hat])
    assert levels_of(lane, np.array([0.45, 0.45, 0.45, 0.6])).tolist() == [0, 0, 0, 0]
    assert levels_of(lane, np.array([0.3, 0.45, 0.8, 0.6])).tolist() == [1, 2, 3, 2]


def test_history_remembers_hits_of_the_lane_and_of_the_place_in_the_bar():
    history = History()
    assert not history.row(0, 1, 96).any()
    history.add(0, 1, 96, 0.01, 0.8)
    same, elsewhere = history.row(96, 1, 96), history.row(100, 5, 96)
    assert same.shape == (HISTORY,)
    assert same[12:15].tolist() == [0.5, np.float32(0.8), 1.0] and not elsewhere[12:15].any()
    assert same[18:21].tolist() == same[12:15].tolist()


@given(st.floats(-LARGEST * 0.999, LARGEST * 0.999), st.integers(0, 2**32))
def test_an_offset_comes_back_within_its_class(offset, seed):
    index = int(offset_class(np.array([offset]))[0])
    again = offset_in(index, np.random.default_rng(seed))
    assert EDGES[index] <= offset <= EDGES[index + 1] and EDGES[index] <= again <= EDGES[index + 1]


@given(st.integers(1, 127), st.integers(0, 2**32))
def test_a_velocity_comes_back_within_one_midi_step(value, seed):
    index = int(velocity_class(np.array([value / 127]))[0])
    assert 0 <= index < N_VELOCITIES
    assert abs(velocity_in(index, np.random.default_rng(seed)) * 127 - value) <= 1.001


def test_draws_follow_the_logits():
    rng = np.random.default_rng(0)
    logits = np.log(np.array([0.1, 0.6, 0.3], np.float32))
    share = np.bincount([draw(logits, 1.0, rng) for _ in range(4000)], minlength=3) / 4000
    assert np.abs(share - [0.1, 0.6, 0.3]).max() < 0.03


def test_loudness_that_is_given_is_told_once_something_was_played():
    history = History(0.6)
    assert (history.row(0, 1, 96)[27:30] == 0).all()
    history.add(0, 1, 96, 0.0, 0.1)
    assert history.row(6, 1, 96)[27:30] == pytest.approx([0.6, 0.6, 0.6])
    heard = History()
    heard.add(0, 1, 96, 0.0, 0.1)
    assert heard.row(6, 1, 96)[27:30] == pytest.approx([0.1, 0.1, 0.1])
