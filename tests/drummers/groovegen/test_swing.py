from dataclasses import replace

import numpy as np
import pytest

from drummers.groovegen.swing import swing_of, swing_to
from ghostnote.music.performance import Performance, make_hits


def eighths(second, note=8, bpm=100.0):
    pair = 8 / note * 60 / bpm
    places = [(i + shift) * pair for i in range(8) for shift in (0, second)]
    return Performance(make_hits([(time, 10, 0.5) for time in places]), bpm=bpm, duration=8 * pair)


@pytest.mark.parametrize("note", [8, 16])
@pytest.mark.parametrize("before", [0.5, 0.58, 0.667])
@pytest.mark.parametrize("after", [0.5, 0.6, 0.7])
def test_second_notes_move_to_the_swing_wherever_they_were_and_first_ones_stay(note, before, after):
    played = eighths(before, note)
    moved = replace(played, **swing_to(played, after, note))
    assert swing_of(moved, note) == pytest.approx(after)
    assert moved.hits["time"][::2] == pytest.approx(played.hits["time"][::2])
    assert np.all(np.diff(moved.hits["time"]) >= 0)


def test_a_stroke_before_the_beat_stays_before_it():
    early = Performance(make_hits([(0.57, 0, 0.5)]), bpm=100.0, duration=1.0)
    assert swing_to(early, 0.66, 8)["hits"]["time"] == pytest.approx([0.57])


def test_without_second_notes_there_is_no_swing():
    assert swing_of(Performance(make_hits([(0.0, 0, 0.5)]))) is None
