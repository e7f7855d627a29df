"""Performances moved, at another tempo, in bars and joined again."""

import numpy as np
import pytest

from ghostnote.music.performance import CHOKE, EVENTS, OPENNESS, Performance, join_bars, make_hits

BEAT = Performance(
    make_hits([(0.1, 0, 0.9), (0.5, 4, 0.5), (2.0, 1, 0.7), (3.9, 8, 0.4)]),
    np.array([(0.25, 1.0), (2.5, 0.0)], OPENNESS),
    np.array([(3.0, 14)], CHOKE),
    duration=4.0,
)


def times(performance):
    return {name: getattr(performance, name)["time"].tolist() for name in EVENTS}


def test_another_tempo_moves_everything_in_proportion_and_leaves_the_original():
    slow = BEAT.at_tempo(60.0)
    assert times(slow) == {name: [2 * time for time in of] for name, of in times(BEAT).items()}
    assert (slow.bpm, slow.duration) == (60.0, 8.0)
    assert BEAT.hits["time"][1] == 0.5
    assert BEAT.at_tempo(120.0) is BEAT


def test_everything_is_shifted_and_the_end_with_it():
    later = BEAT.shifted(0.5)
    assert times(later) == {name: [time + 0.5 for time in of] for name, of in times(BEAT).items()}
    assert later.duration == 4.5


@pytest.mark.parametrize(("meter", "beats"), [((4, 4), 4.0), ((6, 8), 3.0), ((5, 4), 5.0)])
def test_a_bar_has_quarter_notes_by_its_meter(meter, beats):
    assert Performance(make_hits([]), meter=meter).bar_beats == beats


def test_a_hit_just_before_a_barline_belongs_after_it():
    first, second = Performance(make_hits([(0.0, 0, 0.5), (1.95, 1, 0.5), (3.0, 2, 0.5)]), duration=4.0).bars(2)
    assert first.hits["lane"].tolist() == [0]
    assert second.hits["lane"].tolist() == [1, 2]
    np.testing.assert_allclose(second.hits["time"], [-0.05, 1.0])
    assert first.duration == second.duration == 2.0


def test_joined_bars_are_the_performance_again():
    joined = join_bars(BEAT.bars(2))
    for name in ("hits", "chokes"):
        np.testing.assert_allclose(getattr(joined, name)["time"], getattr(BEAT, name)["time"])
    assert joined.hits["lane"].tolist() == BEAT.hits["lane"].tolist()
    assert joined.duration == 4.0


def test_bars_of_another_tempo_are_joined_in_that_of_the_last_and_nothing_is_before_zero():
    bar = Performance(make_hits([(-0.05, 0, 0.5), (1.0, 1, 0.5)]), duration=2.0)
    joined = join_bars([bar.at_tempo(60.0), bar])
    assert joined.bpm == 120.0
    np.testing.assert_allclose(joined.hits["time"], [0.0, 1.0, 1.95, 3.0])
