"""The device's sample clock against `time.perf_counter()`: which frame is the device taking at time t?

The device takes blocks; what we can see, at times of our own, is how many frames it has taken so far, a staircase. If
`consumed` frames were taken by time t, then the last block, which begins at frame consumed - block, was taken before t:

    origin <= t - (consumed - block) / rate        (origin: the time at which frame 0 was taken)

The least of these bounds over many looks at changing phases of the block is the origin, up to a few microseconds and
whatever the callback's wake-up is late. A second-order loop follows these minima, so that a device whose rate differs
from the computer's clock by up to some hundred ppm is followed without ever stepping. Only when the device itself
loses or repeats blocks (an xrun of the whole graph, a suspended computer) does the clock jump, and counts it.
"""

from math import inf
from typing import Final

LOOKS: Final = 64
"""Observations per correction, about a third of a second at one per hop."""
GAIN: Final = 0.1
DRIFT_GAIN: Final = 0.005


class DeviceClock:
    """Frames taken by the device as a line over time. One thread observes; reading it elsewhere is harmless."""

    def __init__(self, rate: int, block: int) -> None:
        self.rate, self.block = rate, block
        self.jumps = 0
        """Times the device lost or gained more than half a block."""
        self.reset()

    def reset(self) -> None:
        """Forget everything: a new stream."""
        self._origin, self._drift, self._at = inf, 0.0, 0.0
        self._least, self._looks, self._settled = inf, 0, False

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
        if not self._settled:
            self._origin, self._at = min(self._origin, bound), time
        elif bound < self._origin_at(time) - self._tolerance:
            self._jump(time, bound)
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

    @property
    def _tolerance(self) -> float:
        return self.block / 2 / self.rate

    def _origin_at(self, time: float) -> float:
        return self._origin + self._drift * (time - self._at)

    def _correct(self, time: float) -> None:
        error = self._least - self._origin_at(time)
        if self._settled and error > self._tolerance:
            self._jump(time, self._least)
        elif self._settled:
            self._origin = self._origin_at(time) + GAIN * error
            self._drift += DRIFT_GAIN * error / max(time - self._at, 1e-3)
            self._at = time
        self._settled = True
        self._least, self._looks = inf, 0

    def _jump(self, time: float, origin: float) -> None:
        self._origin, self._at = origin, time
        self._least, self._looks = inf, 0
        self.jumps += 1
