"""The device's sample clock against `time.perf_counter()`: which frame is the device taking at time t?

The device takes blocks; what we can see, at times of our own, is how many frames it has taken so far, a staircase. If
`consumed` frames were taken by time t, then the last block, which begins at frame consumed - block, was taken before t:

    origin <= t - (consumed - block) / rate        (origin: the time at which frame 0 was taken)

The least of these bounds over many looks at changing phases of the block is the origin, up to a few microseconds and
whatever the callback's wake-up is late. A second-order loop follows these minima, so that a device whose rate differs
from the computer's clock by up to some hundred ppm is followed without ever stepping. Only when the device itself
loses or repeats blocks (an xrun of the whole graph, a suspended computer) does the clock jump, and counts it.
"""

from collections import deque
from math import inf
from typing import Final

LOOKS: Final = 64
"""Observations per correction, about a third of a second at one per hop."""
RECENT: Final = 16
"""Observations after which a lost block is certain: by chance, none of so many would fall just after a block."""
GAIN: Final = 0.3
DRIFT_GAIN: Final = 0.02
"""Of the error, per correction: settles within about a second. Their ratio damps the loop (critical: GAIN² / 4)."""
MAX_DRIFT: Final = 0.001


class DeviceClock:
    """Frames taken by the device as a line over time. One thread observes; reading it elsewhere is harmless."""

    def __init__(self, rate: int, block: int) -> None:
        self.rate, self.block = rate, block
        self.jumps = 0
        """Times the device lost or gained a block or more."""
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._drift, self._settled = 0.0, False
        self._origin, self._at = inf, 0.0
        self._least, self._looks, self._acquiring = inf, 0, True

    @property
    def settled(self) -> bool:
        """Whether enough was seen to tell the time; before that `frame_at` and `time_of` are up to a block off."""
        return self._settled

    @property
    def drift_ppm(self) -> float:
        """How much slower than `rate` the device runs, in parts per million."""
        return 1e6 * self._drift

    def observe(self, time: float, consumed: int) -> None:
        """By `time` [s] the device had taken `consumed` frames in all."""
        if consumed < self.block:
            return
        bound = time - (consumed - self.block) / self.rate
        self._recent.append(bound)
        if self._settled:
            origin, block = self._origin_at(time), self.block / self.rate
            lost = len(self._recent) == RECENT and min(self._recent) > origin + 0.9 * block
            if lost or bound < origin - 0.5 * block:
                self._jump(time)
        if self._acquiring:
            self._origin, self._at = min(self._origin_at(time), bound), time
        self._least = min(self._least, bound)
        self._looks += 1
        if self._looks == LOOKS:
            self._correct(time)

    def frame_at(self, time: float) -> float:
        """Frame (with a fraction) that the device takes at `time`; meaningless before the first block."""
        return (time - self._origin_at(time)) * self.rate

    def time_of(self, frame: float) -> float:
        """Time at which the device takes `frame`."""
        guess = self._origin + frame / self.rate
        return self._origin_at(guess) + frame / self.rate

    def _origin_at(self, time: float) -> float:
        return self._origin + self._drift * (time - self._at)

    def _correct(self, time: float) -> None:
        if not self._acquiring:
            origin = self._origin_at(time)
            error = self._least - origin
            drift = self._drift + DRIFT_GAIN * error / max(time - self._at, 1e-3)
            self._drift = min(max(drift, -MAX_DRIFT), MAX_DRIFT)
            self._origin, self._at = origin + GAIN * error, time
        self._settled, self._acquiring = True, False
        self._least, self._looks = inf, 0

    def _jump(self, time: float) -> None:
        """Begin anew with what was seen last; the drift stays."""
        self._origin, self._at = self._recent[-1], time
        self._least, self._looks, self._acquiring = inf, 0, True
        self._recent.clear()
        self.jumps += 1
