"""The device clock is sampled at random moments, in order, until it is over."""

import threading
import time

from server.audio.output import NullOutput
from server.engine.clock_sampling import MOST_WAITING, ClockSampler
from tests.support.waiting import wait_for


def sampling_threads():
    return [thread for thread in threading.enumerate() if thread.name == "clock samples"]


def test_samples_come_in_order_until_the_end():
    output = NullOutput(48_000, 128)
    seen = []
    with ClockSampler(output, time.perf_counter) as sampler:
        output.advance()
        wait_for(lambda: seen.extend(sampler.take()) or len(seen) > 20)
        assert len(sampling_threads()) == 1
    times = [when for when, _ in seen]
    assert times == sorted(times)
    assert {consumed for _, consumed in seen} <= {0, 128}
    assert seen[-1][1] == 128
    assert sampling_threads() == []


def test_samples_that_nobody_takes_are_dropped_oldest_first():
    count = iter(range(100_000))
    with ClockSampler(NullOutput(48_000, 128), lambda: float(next(count))) as sampler:
        wait_for(lambda: next(count) > 2 * MOST_WAITING)
        seen = list(sampler.take())
    assert len(seen) <= MOST_WAITING
    assert seen[0][0] > 0
