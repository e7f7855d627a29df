"""Kit and drummer beside the render thread: never waited for, the last wish wins."""

import threading

import numpy as np
import pytest

from server.render.conditioning import Conditioning
from server.render.renderer import load_renderer
from tests.support.hits import playing
from tests.support.paths import TINY


class Slow:
    """A computation that takes until it is let go; its value is the kit weight it was given."""

    def __init__(self):
        self.go, self.asked = threading.Semaphore(1), []

    def __call__(self, weights, drummer):
        assert self.go.acquire(timeout=10)
        self.asked.append(int(weights[0, 0]))
        return int(weights[0, 0])


def kit(number):
    return np.full((1, 1), number, np.float32), np.zeros(1, np.int64)


def settle(conditioning):
    """Let the job under way finish."""
    conditioning._job[1].result(10)


def test_without_a_thread_a_choice_is_in_force_at_once():
    compute = Slow()
    compute.go.release()
    conditioning = Conditioning(compute, kit(0), beside=False)
    assert conditioning.value() == 0
    conditioning.want(*kit(1))
    assert conditioning.choice[0] == 1
    assert conditioning.value() == 1
    assert conditioning.value() == 1
    assert compute.asked == [0, 1]


def test_what_is_not_ready_is_not_waited_for_and_only_the_last_wish_follows():
    compute = Slow()
    conditioning = Conditioning(compute, kit(0), beside=True)
    assert conditioning.value() == 0
    for choice in (1, 2, 3):
        conditioning.want(*kit(choice))
        assert conditioning.value() == 0
        assert conditioning.choice[0] == 0
    compute.go.release()
    settle(conditioning)
    assert conditioning.value() == 1
    assert conditioning.choice[0] == 1
    compute.go.release()
    settle(conditioning)
    assert conditioning.value() == 3
    assert conditioning.value() == 3
    assert compute.asked == [0, 1, 3]
    conditioning.close()


def test_before_the_first_value_the_last_wish_is_the_first():
    conditioning = Conditioning(lambda weights, drummer: int(weights[0, 0]), kit(0), beside=True)
    conditioning.want(*kit(4))
    assert conditioning.value() == 4
    conditioning.close()


def test_a_kit_worked_out_beside_sounds_as_one_worked_out_at_once():
    beside, plain = load_renderer(TINY, beside=True), load_renderer(TINY)
    before, after = playing(30), playing(60, seed=2)
    beside.render(before)
    plain.render(before)
    beside.set_kit({"gamma": 1})
    first = beside.render(after[:10])
    settle(beside._conditioning)
    second = beside.render(after[10:])
    assert first == pytest.approx(plain.render(after[:10]), abs=1e-6)
    plain.set_kit({"gamma": 1})
    assert second == pytest.approx(plain.render(after[10:]), abs=1e-6)
    while beside.close():
        pass
