"""The one place that keeps peaks below full scale: a limiter that looks ahead, for live blocks and for whole files.

Gain in dB, three steps, each exact whatever the cut into blocks: the gain that each frame needs; its minimum over the
frames ahead, rising back at a constant rate; the mean of that over the same frames, so that the gain is already down
when the peak comes. With `lookahead` 0 the gain drops at once: no delay, but an audible edge on strong peaks.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

CEILING_DB: Final = -0.3
RELEASE_DB_PER_SECOND: Final = 60.0

Audio = NDArray[np.float32]


class Limiter:
    """Limits a stream of blocks. Not thread-safe: owned by one thread."""

    def __init__(self, sample_rate: int, channels: int = 2, *, lookahead: int = 64) -> None:
        """`lookahead` [frames] is also by how much the output is late."""
        self.lookahead = lookahead
        self._ceiling = 10 ** (CEILING_DB / 20)
        self._rise = RELEASE_DB_PER_SECOND / sample_rate
        self._channels = channels
        self.reset()

    def reset(self) -> None:
        """Forget what was played."""
        self.reduction_db = 0.0
        """Largest reduction since the last `reset`, >= 0."""
        self._waiting = np.zeros((self.lookahead, self._channels), np.float32)
        self._needed = np.zeros(self.lookahead)
        self._held = np.zeros(self.lookahead)
        self._last = 0.0

    def process(self, block: Audio) -> Audio:
        """block [frames, channels] -> as many frames, `lookahead` frames late, none above the ceiling.

        A frame that is not a number becomes silence.
        """
        frames, ahead = len(block), self.lookahead
        if not np.isfinite(block.sum()):
            block = np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)
        sound = np.concatenate([self._waiting, block])
        self._waiting = sound[frames:].copy()
        peak = np.abs(sound[ahead:]).max(axis=1, initial=0.0)
        needed = np.concatenate([self._needed, -20 * np.log10(np.maximum(peak / self._ceiling, 1.0))])
        self._needed = needed[frames:]
        if not frames:
            return sound[:0]
        if not needed.any() and not self._held.any() and self._last == 0:
            return sound[:frames]
        least = np.lib.stride_tricks.sliding_window_view(needed, ahead + 1).min(axis=1)
        held = np.concatenate([self._held, self._released(least)])
        self._held = held[frames:]
        gain = np.lib.stride_tricks.sliding_window_view(held, ahead + 1).mean(axis=1)
        self.reduction_db = max(self.reduction_db, -float(gain.min()))
        return sound[:frames] * (10 ** (gain / 20)).astype(np.float32)[:, None]

    def _released(self, least: NDArray[np.float64]) -> NDArray[np.float64]:
        """`least` [dB, <= 0] as a curve that falls at once and rises by at most `_rise` per frame."""
        slope = self._rise * np.arange(len(least) + 1)
        curve = np.minimum.accumulate(np.concatenate([[self._last], least]) - slope) + slope
        released = np.minimum(curve[1:], 0.0)
        self._last = float(released[-1])
        return released


def limit(audio: Audio, sample_rate: int) -> tuple[Audio, float]:
    """A whole recording [frames, channels] limited without delay, and the largest reduction [dB]."""
    limiter = Limiter(sample_rate, audio.shape[1])
    tail = np.zeros((limiter.lookahead, audio.shape[1]), np.float32)
    return limiter.process(np.concatenate([audio, tail]))[limiter.lookahead :], limiter.reduction_db
