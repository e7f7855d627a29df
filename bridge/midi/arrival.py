"""When a MIDI message really arrived, although Python is notified late."""

from typing import Final

_LATEST_S: Final = 0.02
"""A message that appears later than this makes the offset between the clocks be estimated again."""
_DRIFT: Final = 1e-4
"""The most that the two clocks may drift apart, seconds per second."""


class ArrivalClock:
    """Turns the driver's intervals between messages into arrival times of `time.perf_counter()`. One thread.

    The driver stamps a message when it comes; the callback runs once the interpreter is free, some microseconds or,
    under load, some milliseconds later. The intervals are exact, so the least delayed message gives the offset of
    the two clocks, and every other one is placed by its interval. A result is never later than `now`
    and never more than 20 ms earlier.
    """

    def __init__(self) -> None:
        self._driver = 0.0
        self._offset = float("inf")

    def arrival(self, now: float, interval: float) -> float:
        """Arrival [s] of a message delivered at `now`, `interval` seconds after the one before (0 for the first)."""
        self._driver += interval
        candidate = now - self._driver
        self._offset = min(candidate, self._offset + interval * _DRIFT)
        if candidate - self._offset > _LATEST_S:
            self._offset = candidate
        return self._driver + self._offset
