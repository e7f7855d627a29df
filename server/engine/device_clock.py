"""The device's sample clock against `time.perf_counter()`: which frame is the device taking at time t?

The device takes blocks; what we can observe, at arbitrary times, is how many frames it has taken, a staircase. If
`consumed` frames were taken by time t, then the last block, which begins at frame consumed - block, was taken before t:

    origin <= t - (consumed - block) / rate        (origin: the time at which frame 0 was taken)

The least of these bounds over many samples at random phases of the block is the origin, up to a few microseconds and
the delay of the callback's wake-up. A second-order loop tracks these minima, so that a device whose rate differs
from the computer's clock by up to some hundred ppm is tracked without ever stepping. Only when the device itself
loses or repeats blocks (an xrun of the whole graph, a suspended computer) does the clock jump, and counts it. A loss
shows in bounds that are impossible while nothing is lost, more than a step of the staircase behind the origin;
several of them, because a callback may be woken late. A step is a block, or several where they are taken in bursts.
"""

from collections import deque
from math import inf
from typing import Final

LOOKS: Final = 128
"""Observations per correction, about a third of a second at two per hop."""
FIRST_LOOKS: Final = 64
"""Until the clock has settled; restarted if time was lost meanwhile."""
RECENT: Final = 6
"""Samples, three hops, in which a loss is detected: all of them `NEAR` steps or more behind the origin, and `CERTAIN`
of them `FAR` steps. A quarter of a step and less is left to the loop."""
CERTAIN: Final = 3
NEAR: Final = 0.3
FAR: Final = 1.25
LOST_BLOCKS: Final = 0.5
"""As a share of a block: a change this large is neither drift nor jitter of the callbacks."""
GAIN: Final = 0.3
DRIFT_GAIN: Final = 0.02
"""Share of the error per correction: settles in about a second. Their ratio damps the loop (critical: GAIN² / 4)."""
MAX_DRIFT: Final = 0.001


class DeviceClock:
    """Frames taken by the device as a line over time. One thread observes; any thread may read."""

    def __init__(self, rate: int, block: int) -> None:
        self.rate, self.block = rate, block
        self.jumps = 0
        """How often the clock restarted because the device had lost or gained time."""
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._drift, self._settled = 0.0, False
        self._origin, self._at = inf, 0.0
        self._bounds: list[float] = []
        """Since the last correction."""
        self._acquiring = True
        self._block = self._step = block / rate
        """Length of a step of the staircase [s]: one block or several."""

    @property
    def settled(self) -> bool:
        """Whether there were enough samples; before that `frame_at` and `time_of` are up to a block off."""
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
            self._look_for_jumps(time, bound)
        if self._acquiring:
            self._origin, self._at = min(self._origin_at(time), bound), time
        self._bounds.append(bound)
        if len(self._bounds) == (LOOKS if self._settled else FIRST_LOOKS):
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

    def _look_for_jumps(self, time: float, bound: float) -> None:
        origin = self._origin_at(time)
        if bound < origin - LOST_BLOCKS * self._block:
            self._jump(time, bound)
        elif min(self._recent) > origin + NEAR * self._step:
            far = [one for one in self._recent if one > origin + FAR * self._step]
            if len(far) >= CERTAIN and len(self._recent) == RECENT:
                self._jump(time, min(far))

    def _has_shifted(self) -> bool:
        """Whether the bounds indicate different origins; else the least of each quarter would be the same."""
        quarter = FIRST_LOOKS // 4
        least = [min(self._bounds[start : start + quarter]) for start in range(0, FIRST_LOOKS, quarter)]
        return max(least) - min(least) > LOST_BLOCKS * self._block

    def _correct(self, time: float) -> None:
        if not self._settled and self._has_shifted():
            self._origin = inf
            self._bounds.clear()
            return
        self._bounds.sort()
        least, third_quartile = self._bounds[0], self._bounds[len(self._bounds) * 3 // 4]
        self._step = max(self._block, (third_quartile - least) / 0.75)
        if not self._acquiring:
            origin = self._origin_at(time)
            error = least - origin
            if abs(error) < LOST_BLOCKS * self._block:  # more is not drift
                drift = self._drift + DRIFT_GAIN * error / max(time - self._at, 1e-3)
                self._drift = min(max(drift, -MAX_DRIFT), MAX_DRIFT)
            self._origin, self._at = origin + GAIN * error, time
        self._settled, self._acquiring = True, False
        self._bounds.clear()

    def _jump(self, time: float, origin: float) -> None:
        """Restart with an origin that was observed since; the drift stays."""
        self._origin, self._at = origin, time
        self._acquiring = True
        self._bounds.clear()
        self._recent.clear()
        self.jumps += 1
