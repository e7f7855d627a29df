"""How often the machine itself stands still: on each core a process that does nothing but wake up every hop.

It runs at a higher priority than anything of ours, so what delays it is not our doing: the host of a virtual machine,
an interrupt, the firmware.
"""

import os
import time
from contextlib import AbstractContextManager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Final

PERIOD_SECONDS: Final = 256 / 48_000
"""A hop."""
LEAST_SECONDS: Final = 0.001
"""Shorter delays are no stall."""
PRIORITY: Final = 90
"""Above JACK's."""

Stall = tuple[float, float]
"""When it ended, by `time.monotonic`, and how long it was [s]."""


class StallWatch(AbstractContextManager["StallWatch"]):
    """Watches all cores; `stalls` is filled on exit."""

    def __init__(self) -> None:
        self.stalls: list[Stall] = []
        self._context = get_context("spawn")

    def __enter__(self) -> "StallWatch":
        """Start a process per core."""
        self._watchers = [self._start(core) for core in sorted(os.sched_getaffinity(0))]
        return self

    def _start(self, core: int) -> tuple[SpawnProcess, Connection]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_watch, args=(core, theirs), daemon=True)
        process.start()
        return process, ours

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and collect."""
        for process, pipe in self._watchers:
            pipe.send(None)
            self.stalls += pipe.recv()
            process.join()
        self.stalls.sort()

    def explain(self, start: float, end: float) -> bool:
        """Whether a stall ended between two moments."""
        return any(start <= when <= end for when, _ in self.stalls)

    @property
    def text(self) -> str:
        """In words."""
        longest = max((length for _, length in self.stalls), default=0.0)
        return f"{len(self.stalls)} longer than {1000 * LEAST_SECONDS:g} ms, the longest {1000 * longest:.1f} ms"


def _watch(core: int, pipe: Connection) -> None:
    os.sched_setaffinity(0, {core})
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    stalls: list[Stall] = []
    due = time.monotonic()
    while not pipe.poll():
        due += PERIOD_SECONDS
        time.sleep(max(0.0, due - time.monotonic()))
        now = time.monotonic()
        if now - due > LEAST_SECONDS:
            stalls.append((now, now - due))
            due = now
    pipe.send(stalls)
