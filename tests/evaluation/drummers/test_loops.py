from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.drummers.loops import CLASSES, cut_all, cut_loops, grid_of, stack
from evaluation.drummers.variety import distances, nearest, spread
from ghostnote.music.articulations import LANE_OF_NAME
from ghostnote.music.performance import Performance, make_hits

KICK, SNARE = LANE_OF_NAME["kick"], LANE_OF_NAME["snare"]


def played(rows, bars=4, bpm=120.0, **facts):
    return Performance(make_hits(rows), bpm=bpm, duration=bars * 240 / bpm, **facts)


@given(
    step=st.integers(1, 62),
    offset=st.floats(-0.49, 0.49),
    velocity=st.floats(0.01, 1),
    lane=st.integers(0, 21),
    bpm=st.floats(40, 300),
)
def test_a_hit_is_found_at_its_nearest_sixteenth_with_offset_and_velocity(step, offset, velocity, lane, bpm):
    grid = grid_of(played([((step + offset) * 15 / bpm, lane, velocity)], bpm=bpm), 0, 64)
    ((at, kind),) = np.argwhere(grid[..., 0])
    assert at == step
    assert grid[at, kind, 1:] == pytest.approx([offset, velocity], abs=1e-4)


def test_every_articulation_belongs_to_the_class_of_its_piece():
    def kind(name):
        return CLASSES[np.argwhere(grid_of(played([(1.0, LANE_OF_NAME[name], 1.0)]), 0, 64)[..., 0])[0, 1]]

    names = ["hat_pedal", "hat_open_edge", "side_stick", "crash_2_edge", "ride_bell", "tom_mid_rim"]
    assert [kind(name) for name in names] == ["hat_closed", "hat_open", "snare", "crash", "ride", "tom_mid"]


def test_of_several_hits_in_a_cell_the_loudest_counts():
    grid = grid_of(played([(1.0, SNARE, 0.9), (1.01, SNARE, 0.3), (1.02, LANE_OF_NAME["side_stick"], 0.5)]), 0, 64)
    assert grid[8, 1].tolist() == pytest.approx([1, 0, 0.9])


def test_loops_begin_at_barlines_and_take_hits_played_a_little_early():
    performance = played([(0.0, KICK, 0.5), (1.97, KICK, 0.7), (9.0, SNARE, 0.4)], bars=6, style="funk", name="p")
    loops = cut_loops(performance, bars=2)
    assert len(loops) == 4  # of five, one is empty
    assert loops[1].grid[0, 0].tolist() == pytest.approx([1, -0.24, 0.7])
    assert loops[0].grid[16, 0] == pytest.approx([1, -0.24, 0.7])
    assert {(loop.style, loop.performance) for loop in loops} == {("funk", "p")}


def test_only_beats_in_four_four_of_the_split_are_cut():
    whole = played([(0.0, KICK, 0.5)], split="train")
    others = [replace(whole, split="test"), replace(whole, kind="fill"), replace(whole, meter=(3, 4))]
    assert len(cut_all([whole, *others], "train")) == 1
    assert stack(cut_all([whole], "train")).shape == (1, 64, 9, 3)


def test_a_performance_shorter_than_a_loop_has_none():
    assert cut_loops(played([(0.0, KICK, 0.5)], bars=3)) == []


def hits(*cells, steps=64):
    grid = np.zeros((steps, 9), bool)
    for cell in cells:
        grid[cell] = True
    return grid


def test_distance_is_the_share_of_cells_that_only_one_strikes():
    a, b, c = hits((0, 0), (8, 1)), hits((0, 0), (8, 1), (16, 0), (24, 1)), hits((3, 3))
    found = distances(np.stack([a, b]), np.stack([a, b, c]))
    assert found.tolist() == [[0, 0.5, 1], [0.5, 0, 1]]


def test_a_copy_is_found_whichever_bar_it_begins_on():
    a = hits((0, 0), (20, 1), (40, 2))
    shifted = np.roll(a, 16, axis=0)
    assert distances(a[None], shifted[None])[0, 0] == 1
    assert nearest(a[None], np.stack([hits((1, 1)), shifted])).tolist() == [0]


def test_spread_compares_inside_a_group_and_between_sources_only():
    a, b = hits((0, 0)), hits((1, 1))
    found = spread(np.stack([a, a, b, a]), ["x", "x", "x", "y"], ["p", "p", "q", "r"])
    assert found[:3].tolist() == [1, 1, 1]
    assert np.isnan(found[3])
