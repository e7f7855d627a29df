"""Looks at the device: at random moments, in order, and no more once it is over."""

import threading
import time

from server.audio.output import NullOutput
from server.engine.clock_sampling import MOST_WAITING, Looks


def test_looks_are_taken_in_order_and_end():
    output = NullOutput(48_000, 128)
    before = threading.active_count()
    with Looks(output, time.perf_counter) as looks:
        output.advance()
        time.sleep(0.3)
        seen = list(looks.take())
        assert threading.active_count() == before + 1
    times = [when for when, _ in seen]
    assert 20 < len(seen) <= MOST_WAITING
    assert times == sorted(times)
    assert {consumed for _, consumed in seen} <= {0, 128}
    assert seen[-1][1] == 128
    assert threading.active_count() == before


def test_looks_that_nobody_takes_are_forgotten_oldest_first():
    count = iter(range(10_000))
    with Looks(NullOutput(48_000, 128), lambda: float(next(count))) as looks:
        time.sleep(1.2)
        seen = list(looks.take())
    assert len(seen) <= MOST_WAITING
    assert seen[-1][0] - seen[0][0] == len(seen) - 1
