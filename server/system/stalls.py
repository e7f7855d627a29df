"""Stalls of the machine itself: a thread per core that does nothing but wake up every hop.

If it runs at a higher priority than any of our threads, whatever delays it is not ours: the host of a virtual
machine, an interrupt, the firmware. At ordinary priority it may also be another program.
"""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from server.system.scheduling import prioritise_thread

PERIOD_SECONDS: Final = 256 / 48_000
"""A hop."""
LEAST_SECONDS: Final = 0.001
"""Shorter delays are not counted."""
PRIORITY: Final = 90
"""Above JACK's."""

Stall = tuple[float, float]
"""When it ended, by `time.perf_counter`, and its length [s]."""


def cores() -> list[int | None]:
    """Those that this process may use; [None] where a thread cannot be bound to one."""
    return [*sorted(os.sched_getaffinity(0))] if hasattr(os, "sched_getaffinity") else [None]


def watch_core(core: int | None, stop: Callable[[], bool], wait: float = 0.0) -> list[Stall]:
    """The stalls of one core until `stop()`, from `wait` seconds on.

    The calling thread is bound to the core and gets realtime priority, permanently.
    """
    if core is not None:
        os.sched_setaffinity(0, {core})
    prioritise_thread(PRIORITY)
    stalls: list[Stall] = []
    due = time.perf_counter() + wait
    while not stop():
        due += PERIOD_SECONDS
        time.sleep(max(0.0, due - time.perf_counter()))
        now = time.perf_counter()
        if now - due > LEAST_SECONDS:
            stalls.append((now, now - due))
            due = now
    return stalls


def watch_machine(seconds: float) -> list[Stall]:
    """The stalls of all cores. Only for a process that does nothing else: the watching threads share the GIL."""
    stop, places = threading.Event(), cores()
    waits = [PERIOD_SECONDS * n / len(places) for n in range(len(places))]  # so that not all wake up at once
    with ThreadPoolExecutor(len(places)) as pool:
        found = [pool.submit(watch_core, core, stop.is_set, wait) for core, wait in zip(places, waits, strict=True)]
        try:
            time.sleep(seconds)
        finally:
            stop.set()
        return sorted(stall for one in found for stall in one.result())


def in_words(stalls: list[Stall]) -> str:
    """How many and how long."""
    longest = max((length for _, length in stalls), default=0.0)
    return f"{len(stalls)} longer than {1000 * LEAST_SECONDS:g} ms, the longest {1000 * longest:.1f} ms"
