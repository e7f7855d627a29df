"""The last part of the render thread's work: limit the sound, convert its rate, write it to the output."""

from math import ceil

import numpy as np
from numpy.typing import NDArray

from server.audio.output import Output
from server.engine.stats import Stats
from server.render.limiter import Limiter
from server.render.resampler import Resampler

Audio = NDArray[np.float32]


class Writer:
    """Writes a stream of `rate` frames per second to an output of any rate. Owned by the render thread."""

    def __init__(
        self, output: Output, rate: int, hop: int, channels: int, limiter: Limiter | None, stats: Stats
    ) -> None:
        """`hop`: frames, the unit in which `stats` counts what came late."""
        self._output, self._limiter, self._stats = output, limiter, stats
        self._rates, self._channels = (rate, output.rate), channels
        self.ratio = output.rate / rate
        """Frames of the output per frame of the stream."""
        self._hop = hop * self.ratio
        self._written = 0
        self._resampler = self._make_resampler()
        self.limiter_delay = limiter.lookahead * self.ratio if limiter else 0.0
        """Frames of the output."""
        self.resampler_delay = self._resampler.delay if self._resampler else 0
        """Frames of the output."""

    @property
    def aligned(self) -> bool:
        """Whether a frame of the stream is a frame of the output."""
        return self._resampler is None

    @property
    def ready(self) -> float:
        """Frames (of the stream) that are written and not yet taken; negative when the output has overtaken."""
        return (self._written - self._output.consumed()) / self.ratio

    def place(self, frame: int) -> None:
        """The next write begins at `frame` of the stream."""
        self._written = round(frame * self.ratio)
        self._resampler = self._make_resampler()

    def put(self, audio: Audio) -> None:
        """Write the next frames [frames, channels]; those that come too late are dropped and counted."""
        if not len(audio):
            return
        if self._limiter:
            audio = self._limiter.process(audio)
        if self._resampler:
            audio = self._resampler(audio)
        dropped = self._output.write(self._written, audio)
        self._written += len(audio)
        self.count_dropped(dropped)

    def count_dropped(self, frames: float) -> None:
        """Count frames of the output that were not played."""
        self._stats.late_hops += ceil(frames / self._hop)
        self._stats.dropped_frames += round(frames)

    def forget(self) -> None:
        """Clear the state of limiter and resampler."""
        if self._limiter:
            self._limiter.reset()

    def fade_out(self) -> None:
        """Fade out what was written and not yet taken."""
        self._output.fade_out()

    def _make_resampler(self) -> Resampler | None:
        own, wanted = self._rates
        return None if own == wanted else Resampler(own, wanted, self._channels)
