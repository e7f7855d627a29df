"""The lane-state grid: streaming equals whole, one hit belongs to one hop, hats and chokes end what rang."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostnote.music.articulations import LANE_OF_NAME, N_LANES
from ghostnote.music.grid import LANE_COLUMNS, N_COLUMNS, GridStream, HopEvents, HopHit, build_grid, hop_events
from ghostnote.music.performance import CHOKE, OPENNESS, Performance, make_hits

RATE = 48_000

hit_rows = st.lists(
    st.tuples(st.floats(0, 2, allow_nan=False), st.integers(0, N_LANES - 1), st.floats(0.01, 1)), max_size=60
)
chokes = st.lists(st.tuples(st.floats(0, 2), st.integers(15, N_LANES - 1)), max_size=5)
curve = st.lists(st.tuples(st.floats(0, 2), st.floats(0, 1)), max_size=10)


def performance(rows, choke_rows=(), curve_rows=(), bpm=120.0):
    choke = np.array(sorted(choke_rows), CHOKE)
    openness = np.array(sorted(curve_rows), OPENNESS)
    return Performance(make_hits(rows), openness, choke, bpm=bpm, duration=2.5)


@settings(max_examples=60, deadline=None)
@given(hit_rows, chokes, curve, st.sampled_from([64, 240, 256, 300, 512]), st.floats(40, 240))
def test_streaming_hop_by_hop_equals_the_whole(rows, choke_rows, curve_rows, hop, bpm):
    take = performance(rows, choke_rows, curve_rows, bpm)
    n = int(2.2 * RATE / hop)
    whole = build_grid(take, n, hop=hop, sample_rate=RATE)
    stream = GridStream(hop)
    streamed = np.stack([stream.row(e) for e in hop_events(take, n, hop=hop, sample_rate=RATE)])
    np.testing.assert_allclose(streamed, whole, atol=2e-5)


@settings(max_examples=20, deadline=None)
@given(hit_rows, st.integers(0, 200))
def test_a_later_start_gives_the_same_rows(rows, start):
    take = performance(rows)
    whole = build_grid(take, 300, hop=256, sample_rate=RATE)
    np.testing.assert_allclose(build_grid(take, 300 - start, hop=256, sample_rate=RATE, start=start), whole[start:])


@given(st.integers(0, 400))
def test_a_hit_on_a_hop_edge_belongs_to_the_later_hop_only(n):
    take = performance([(n * 256 / RATE, 0, 0.5)])
    onset = build_grid(take, 500, hop=256, sample_rate=RATE)[:, 0]
    assert np.flatnonzero(onset).tolist() == [n]


def test_position_and_velocity_are_those_of_the_hit():
    row = GridStream(256).row(HopEvents(hits=(HopHit(1, 64, 0.25),)))
    assert row.shape == (N_COLUMNS,)
    onset, velocity, position = row[LANE_COLUMNS : LANE_COLUMNS + 3]
    assert (onset, velocity, position) == (1, 0.25, 0.25)


def test_a_closed_hat_ends_the_open_hat():
    stream = GridStream(256)
    opened, closed = LANE_OF_NAME["hat_open_bow"], LANE_OF_NAME["hat_closed_bow"]
    ring = slice(opened * LANE_COLUMNS + 3, opened * LANE_COLUMNS + 6)
    assert stream.row(HopEvents(hits=(HopHit(opened, 0, 1.0),)))[ring].min() > 0.8
    assert not stream.row(HopEvents(hits=(HopHit(closed, 0, 0.5),)))[ring].any()


def test_two_hats_of_one_frame_both_ring():
    row = GridStream(256).row(HopEvents(hits=(HopHit(10, 9, 1.0), HopHit(14, 9, 0.5))))
    assert row[10 * LANE_COLUMNS + 1] == 1.0 and row[14 * LANE_COLUMNS + 1] == 0.5
    take = performance([(9 / RATE, 10, 1.0), (9 / RATE, 14, 0.5)])
    np.testing.assert_allclose(build_grid(take, 1, hop=256, sample_rate=RATE)[0, :-4], row[:-4], atol=2e-5)


def test_a_choke_ends_the_cymbal_and_is_marked():
    stream = GridStream(256)
    crash = LANE_OF_NAME["crash_1"]
    stream.row(HopEvents(hits=(HopHit(crash, 0, 1.0),)))
    block = stream.row(HopEvents(chokes=(crash,)))[crash * LANE_COLUMNS : (crash + 1) * LANE_COLUMNS]
    assert not block[:-1].any() and block[-1] == 1


def test_a_hit_outside_its_hop_is_refused():
    with pytest.raises(ValueError, match="outside the hop"):
        GridStream(256).row(HopEvents(hits=(HopHit(0, 256, 1.0),)))
