import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostnote.music.articulations import LANE_OF_NAME
from ghostnote.music.paper_grid import (
    LANE_OF_ARTICULATION,
    LANES,
    N_FEATURES,
    beat_positions,
    lane_of_note,
    paper_grid,
    window_seconds,
)
from ghostnote.music.performance import Performance, make_hits

KICK, SNARE = LANE_OF_NAME["kick"], LANE_OF_NAME["snare"]


def played(*hits: tuple[float, int, float]) -> Performance:
    return Performance(make_hits(list(hits)), duration=100.0)


def lane(grid: np.ndarray, name: str, velocity: bool = False) -> np.ndarray:
    return grid[:, LANES.index(name) + (len(LANES) if velocity else 0)]


def test_the_first_map_empties_the_lanes_of_the_finer_articulations():
    used = {LANES[n] for n in LANE_OF_ARTICULATION}
    assert used == {
        "kick", "snare_head", "hh_closed", "hh_open", "tom_high", "tom_mid", "tom_low", "crash1", "ride_bow"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("note", "name"),
    [(35, "kick"), (37, "snare_head"), (48, "tom_high"), (45, "tom_mid"), (58, "tom_low"), (44, "hh_closed"),
     (26, "hh_open"), (52, "crash1"), (53, "ride_bow"), (39, "clap"), (54, "perc_aux"), (99, "perc_aux")],
)  # fmt: skip
def test_notes_go_through_both_maps(note, name):
    assert LANES[lane_of_note(note)] == name


def test_a_hit_is_a_bump_of_height_one_and_a_velocity_at_its_frame_only():
    grid = paper_grid(played((1.0, KICK, 0.5)), 0.0, 2.0, 200)
    assert grid.shape == (200, N_FEATURES)
    assert lane(grid, "kick")[98:103] == pytest.approx(np.exp([-2, -0.5, 0, -0.5, -2]))
    assert np.flatnonzero(lane(grid, "kick")).tolist() == [98, 99, 100, 101, 102]
    assert np.flatnonzero(grid[:, 17:]).tolist() == [100 * 17 + LANES.index("kick")]
    assert lane(grid, "kick", velocity=True)[100] == 0.5


def test_colliding_hits_keep_the_louder_velocity_and_the_higher_bump():
    grid = paper_grid(played((1.0, SNARE, 0.3), (1.001, SNARE, 0.9), (1.01, SNARE, 0.2)), 0.0, 2.0, 200)
    assert lane(grid, "snare_head", velocity=True)[[100, 101]] == pytest.approx([0.9, 0.2])
    assert lane(grid, "snare_head").max() == 1


def test_a_note_begun_before_the_window_counts_only_with_the_window_bug():
    early = played((0.95, KICK, 0.7), (0.5, SNARE, 0.7))
    assert not paper_grid(early, 1.0, 2.0, 200).any()
    bug = paper_grid(early, 1.0, 2.0, 200, window_bug=True)
    assert lane(bug, "kick", velocity=True)[0] == pytest.approx(0.7)
    assert not lane(bug, "snare_head").any()


@given(st.floats(0.0, 30.0), st.sampled_from([60.0, 97.0, 120.0, 201.0]), st.integers(50, 900))
def test_every_hit_lies_in_exactly_one_of_the_windows(time, bpm, rows):
    take, length = played((time, KICK, 1.0)), window_seconds(bpm)
    starts = [k * length for k in range(int(30 / length) + 2)]
    stops = [*starts[1:], starts[-1] + length]
    counts = [paper_grid(take, a, b - a, rows)[:, 17:].sum() for a, b in zip(starts, stops, strict=True)]
    assert sum(counts) == 1


def test_beats_of_a_window_are_quarters_and_an_unknown_tempo_counts_as_120():
    assert beat_positions(400, 2.0, 120.0).tolist() == [0] * 100 + [1] * 100 + [2] * 100 + [3] * 100
    assert window_seconds(0.0) == window_seconds(120.0) == 2.0
