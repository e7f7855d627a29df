"""Arrival times from the driver's intervals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.midi.arrival import ArrivalClock


def test_late_callbacks_are_put_where_the_driver_says():
    clock = ArrivalClock()
    assert clock.arrival(100.0, 0.0) == 100.0
    assert clock.arrival(100.514, 0.5) == pytest.approx(100.5, abs=1e-4)
    assert clock.arrival(101.0, 0.5) == pytest.approx(101.0, abs=1e-4)


def test_a_first_late_callback_is_made_up_for_by_the_next_prompt_one():
    clock = ArrivalClock()
    clock.arrival(100.01, 0.0)
    assert clock.arrival(100.5, 0.5) == pytest.approx(100.5)
    assert clock.arrival(101.008, 0.5) == pytest.approx(101.0, abs=1e-4)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), max_size=40))
def test_an_arrival_is_never_in_the_future_nor_long_past(steps):
    clock, now = ArrivalClock(), 1000.0
    for interval, passed in steps:
        now += passed
        assert now - 0.0201 <= clock.arrival(now, interval) <= now + 1e-9
