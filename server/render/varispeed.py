"""A stream played faster or slower, and so higher or lower: windowed-sinc interpolation, block by block."""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

TAPS: Final = 16
PHASES: Final = 128


class Varispeed:
    """Reads a stream at `ratio` frames per frame, 2 being an octave higher; the first frame stays the first."""

    def __init__(self, ratio: float) -> None:
        self.ratio = ratio
        self._kernel = _kernel(ratio)
        self._waiting = np.zeros((TAPS // 2 - 1, 2), np.float32)
        self._place = 0.0
        """Of the next frame to read in `_waiting`, before TAPS // 2 - 1 frames of what came before it."""

    def missing(self, frames: int) -> int:
        """So many frames must be pushed before `frames` more can be read."""
        return max(0, int(self._place + (frames - 1) * self.ratio) + TAPS - len(self._waiting))

    def push(self, sound: Floats) -> None:
        """Take in the next frames [n, 2]."""
        self._waiting = np.concatenate([self._waiting, sound])

    def read(self, frames: int) -> Floats:
        """The next `frames`, [frames, 2]; `missing` must be 0."""
        at = self._place + np.arange(frames) * self.ratio
        first = at.astype(np.int64)
        phase = ((at - first) * PHASES).astype(np.int64)
        seen = np.lib.stride_tricks.sliding_window_view(self._waiting, TAPS, axis=0)[first]  # [frames, 2, TAPS]
        out = np.einsum("fct,ft->fc", seen, self._kernel[phase])
        self._place += frames * self.ratio
        past = int(self._place)
        self._waiting, self._place = self._waiting[past:], self._place - past
        return out


@lru_cache(maxsize=64)
def _kernel(ratio: float) -> Floats:
    """[PHASES, TAPS]: sinc lowpass below both Nyquist frequencies under a Blackman window, of sum 1."""
    cut = min(1.0, 1 / ratio) * 0.95
    fraction = (np.arange(PHASES) + 0.5)[:, None] / PHASES
    distance = np.arange(TAPS) - (TAPS // 2 - 1) - fraction
    window = 0.42 + 0.5 * np.cos(2 * np.pi * distance / TAPS) + 0.08 * np.cos(4 * np.pi * distance / TAPS)
    kernel = np.sinc(cut * distance) * window
    return (kernel / kernel.sum(axis=1, keepdims=True)).astype(np.float32)
