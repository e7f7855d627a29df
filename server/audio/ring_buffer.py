"""The memory between the render thread and the audio callback, addressed by absolute frame.

Positions are frames since the stream began. The reader takes block after block and never waits: where nothing was
written it finds silence. The writer writes at absolute positions, so that a late hop loses its beginning and
shifts nothing. Threads: one writer (render thread) calls what changes it; one reader (the callback) reads
`memory` at frame % size. What was played is cleared long before its place is reused.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

FADE: Final = 64
"""Frames over which a gap is faded out and in."""

Audio = NDArray[np.float32]


class RingBuffer:
    """A circular memory [size, channels] float32; size is a power of two."""

    def __init__(self, size: int, channels: int) -> None:
        if size & (size - 1):
            raise ValueError(f"size {size} is not a power of two")
        self.memory: Audio = np.zeros((size, channels), np.float32)
        self.horizon = 0
        """Everything before this frame has been cleared or written; the reader must not pass it."""

    @property
    def reach(self) -> int:
        """Frames that are kept clear ahead of the reader; nothing may be written further ahead."""
        return len(self.memory) // 2

    @property
    def kept(self) -> int:
        """Frames behind the reader that are guaranteed to be intact, with a margin for concurrent clearing."""
        return self.reach - self.reach // 4

    def clear_to(self, horizon: int) -> None:
        """Silence up to frame `horizon`, which is at most the reader's frame + `reach`."""
        if horizon > self.horizon:
            start = max(self.horizon, horizon - len(self.memory))
            self._put(start, np.zeros((horizon - start, 1), np.float32))
            self.horizon = horizon

    def write(self, start: int, audio: Audio, consumed: int) -> int:
        """Put `audio` [frames, channels] at frame `start` and a short fade of its last frame behind it.

        `consumed`: frames that the reader has taken. Returns how many frames at the beginning came too late and were
        dropped; what follows them is faded in.
        """
        late = min(max(consumed - start, 0), len(audio))
        kept = audio[late:]
        if not len(kept):
            return late
        if late:
            kept = kept.copy()
            ramp = np.linspace(0, 1, min(FADE, len(kept)), dtype=np.float32)[:, None]
            kept[: len(ramp)] *= ramp
        tail = kept[-1:] * np.linspace(1, 0, FADE, endpoint=False, dtype=np.float32)[:, None]
        self._put(start + late, np.concatenate([kept, tail]))
        return late

    def fade_out(self, start: int) -> None:
        """Fade to silence from frame `start` on and drop what was written after it."""
        places = np.arange(start, start + self.reach) % len(self.memory)
        self.memory[places[:FADE]] *= np.linspace(1, 0, FADE, dtype=np.float32)[:, None]
        self.memory[places[FADE:]] = 0

    def read(self, start: int, frames: int) -> Audio:
        """The frames [start, start + frames) as a copy; silence beyond the horizon."""
        places = np.arange(start, start + frames)
        audio = self.memory[places % len(self.memory)]
        audio[places >= self.horizon] = 0
        return audio

    def _put(self, start: int, audio: Audio) -> None:
        place = start % len(self.memory)
        first = min(len(audio), len(self.memory) - place)
        self.memory[place : place + first] = audio[:first]
        if first < len(audio):
            self.memory[: len(audio) - first] = audio[first:]
