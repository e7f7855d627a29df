"""Looks at the device at random moments, from a thread of its own: only so the clock sees all phases of its blocks.

The render thread is free at the same part of every hop alone. With blocks of 256 frames and 3.5 ms to render, looks
from there let 280 of 400 hits sound more than 0.5 ms off the median, looks from here none (docs/latency.md).
"""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final

from server.audio.output import Output

MEAN_SECONDS: Final = 256 / 48_000 / 2
"""Two looks a hop."""
MOST_WAITING: Final = 256

ClockSample = tuple[float, int]
"""When, and how many frames the device had taken by then."""


class ClockSampler(AbstractContextManager["ClockSampler"]):
    """Looks while it is entered; as urgent as the thread that enters it."""

    def __init__(self, output: Output, now: Callable[[], float]) -> None:
        self._output, self._now = output, now
        self._seen: deque[ClockSample] = deque(maxlen=MOST_WAITING)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock samples", daemon=True)

    def __enter__(self) -> "ClockSampler":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def take(self) -> Iterator[ClockSample]:
        """What was seen since the last call, in order."""
        while self._seen:
            yield self._seen.popleft()

    def _run(self) -> None:
        chance = random.Random(0)
        while not self._stop.is_set():
            time.sleep(2 * MEAN_SECONDS * chance.random())
            consumed = self._output.consumed()
            self._seen.append((self._now(), consumed))
