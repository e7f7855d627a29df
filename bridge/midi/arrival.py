"""When a MIDI message really arrived, although Python hears of it late."""

from typing import Final

_LATEST_S: Final = 0.02
"""A message that seems to be heard of later than this is taken as new evidence of how the clocks stand."""
_DRIFT: Final = 1e-4
"""How far the two clocks may run apart, seconds per second."""


class ArrivalClock:
    """Turns the driver's intervals between messages into arrival times of `time.perf_counter()`. One thread.

    The driver stamps a message when it comes; the callback runs once the interpreter is free, some microseconds or,
    under load, some milliseconds later. The intervals are exact, so the message that was heard of soonest tells how the
    two clocks stand to each other, and every other one is placed by its interval. A result is never later than `now`
    and never more than 20 ms earlier.
    """

    def __init__(self) -> None:
        self._driver = 0.0
        self._offset = float("inf")

    def arrival(self, now: float, interval: float) -> float:
        """Arrival [s] of a message heard of at `now`, `interval` seconds after the one before (0 for the first)."""
        self._driver += interval
        candidate = now - self._driver
        self._offset = min(candidate, self._offset + interval * _DRIFT)
        if candidate - self._offset > _LATEST_S:
            self._offset = candidate
        return self._driver + self._offset
