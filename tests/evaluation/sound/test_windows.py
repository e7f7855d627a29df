from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from evaluation.sound.windows import choose_windows, windows_of
from ghostnote.errors import InputError
from ghostnote.music.performance import Performance, make_hits

RATE = 48000
STEADY = Performance(
    make_hits([(0.5 * i, 0, 0.8) for i in range(40)]), bpm=120, duration=20.0, split="test", name="steady"
)


def test_windows_are_four_nominal_beats_from_the_start_of_the_file():
    windows = windows_of(STEADY, RATE, context=0)
    assert [(w.start / RATE, w.stop / RATE) for w in windows] == [(2.0 * k, 2.0 * k + 2) for k in range(10)]


def test_the_short_last_window_empty_windows_and_those_without_context_are_dropped():
    hits = make_hits([(0.1, 0, 0.8), (2.5, 0, 0.8), (6.5, 0, 0.8), (8.5, 0, 0.8)])
    take = Performance(hits, bpm=120, duration=9.9)
    assert [w.start / RATE for w in windows_of(take, RATE, context=2)] == [2, 6]


def test_odd_tempi_leave_no_gap_between_windows():
    windows = windows_of(replace(STEADY, bpm=113.7), RATE, context=0)
    assert all(a.stop == b.start for a, b in pairwise(windows))


def test_hits_of_a_window_are_relative_to_its_start():
    window = windows_of(STEADY, RATE)[0]
    assert window.start == 2 * RATE
    assert np.allclose(window.hits(RATE).hits["time"], [0, 0.5, 1.0, 1.5])


def test_the_choice_is_repeatable_spread_over_performances_and_differs_between_kits():
    takes = [replace(STEADY, name=f"take {i:02}") for i in range(12)]
    first, again = (choose_windows(takes, "some kit", 12, RATE) for _ in range(2))
    assert first == again
    assert len({w.performance.name for w in first}) == 12
    other = choose_windows(takes, "another kit", 12, RATE)
    assert [w.start for w in other] != [w.start for w in first]
    names = [w.performance.name for w in choose_windows(takes, "some kit", 30, RATE)]
    assert names == sorted(names)


def test_only_beats_of_the_split_are_used_and_a_shortage_is_reported():
    takes = [STEADY, replace(STEADY, split="train"), replace(STEADY, kind="fill")]
    with pytest.raises(InputError, match=r"10 windows .* have 9"):
        choose_windows(takes, "kit", 10, RATE)
