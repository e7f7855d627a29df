"""How often the machine itself stands still: a thread for each core that does nothing but wake up every hop.

Where it may run at a higher priority than anything of ours, what delays it is not our doing: the host of a virtual
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
"""Shorter delays are no stall."""
PRIORITY: Final = 90
"""Above JACK's."""

Stall = tuple[float, float]
"""When it ended, by `time.perf_counter`, and how long it was [s]."""


def cores() -> list[int | None]:
    """Those that this process may use; [None] where a thread cannot be bound to one."""
    return [*sorted(os.sched_getaffinity(0))] if hasattr(os, "sched_getaffinity") else [None]


def watch_core(core: int | None, stop: Callable[[], bool], wait: float = 0.0) -> list[Stall]:
    """The stalls of one core until `stop()`, from `wait` seconds on.

    The calling thread is bound to the core and made urgent, for good.
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
    """The stalls of all cores. Only where nothing else is to be done: the watching threads share an interpreter."""
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
