"""Sample rate conversion for the live path: little delay and the same for every frame.

soxr, which the file path uses, works in blocks of its own: fed 256 frames at a time it held back up to 20 ms for 48
to 44.1 kHz and 48 to 96 kHz (1.7-2.4 ms in the best case). A polyphase windowed sinc of `TAPS` input frames holds back
half of them, 0.5 ms at 48 kHz, always.
"""

from math import ceil, gcd
from typing import Final

import numpy as np
from numpy.typing import NDArray

TAPS: Final = 48
KAISER_BETA: Final = 8.0
"""About 80 dB of stop band."""
PASS_BAND: Final = 0.9
"""Middle of the transition band, as a share of the lower of the two Nyquist frequencies."""

Audio = NDArray[np.float32]


class Resampler:
    """Converts a stream from `rate_in` to `rate_out`, `delay` output frames late. Owned by one thread."""

    def __init__(self, rate_in: int, rate_out: int, channels: int) -> None:
        divisor = gcd(rate_in, rate_out)
        self._up, self._down = rate_out // divisor, rate_in // divisor
        self._table = _phases(self._up, min(1.0, rate_out / rate_in))
        self._half = TAPS // 2
        self.delay = ceil(self._half * rate_out / rate_in) + 1
        """Frames at `rate_out`."""
        self._known: Audio = np.zeros((self._half - 1, channels), np.float32)
        self._first = 1 - self._half  # input frame of self._known[0]
        self._next = 0  # output frame, not counting the delay
        self._lead_in: Audio = np.zeros((self.delay, channels), np.float32)

    def __call__(self, audio: Audio) -> Audio:
        """The output frames [m, channels] that these input frames [n, channels] complete; m varies by one."""
        known = np.concatenate([self._known, audio])
        end = self._first + len(known)
        # Output m lies at input m * down / up and needs the input frames up to half the taps behind that.
        stop = max(self._next, ((end - self._half) * self._up - 1) // self._down + 1)
        place = np.arange(self._next, stop) * self._down
        centre = place // self._up
        window = (centre - self._first - self._half + 1)[:, None] + np.arange(TAPS)
        out = np.einsum("mtc,mt->mc", known[window], self._table[place % self._up])
        self._next = stop
        needed = stop * self._down // self._up - self._half + 1
        keep = max(0, needed - self._first)
        self._known, self._first = known[keep:], self._first + keep
        if len(self._lead_in):
            out, self._lead_in = np.concatenate([self._lead_in, out]), self._lead_in[:0]
        return out


def _phases(up: int, lower: float) -> Audio:
    """Filter of each of the `up` places between two input frames, [up, TAPS], each summing to 1."""
    half = TAPS // 2
    distance = np.arange(up)[:, None] / up - (np.arange(TAPS) - half + 1)
    cutoff = PASS_BAND * lower
    shape = np.i0(KAISER_BETA * np.sqrt(np.maximum(0, 1 - (distance / half) ** 2)))
    filters = np.sinc(cutoff * distance) * shape
    return (filters / filters.sum(axis=1, keepdims=True)).astype(np.float32)
