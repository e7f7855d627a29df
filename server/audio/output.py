"""What the engine needs of an audio output, and the output without a device that tests and offline runs use."""

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from server.audio.ring_buffer import RingBuffer

BACKENDS: Final = ("rtmixer", "callback")
"""Ways to play through PortAudio, the preferred one first."""

Audio = NDArray[np.float32]


class Output(Protocol):
    """A running audio output. Positions are frames since its stream began."""

    name: str
    rate: int
    """Frames per second."""
    block: int
    """The most frames that the device takes at once."""
    device_latency: float
    """Frames from the callback to the loudspeaker, as the audio system says."""
    kept: int
    """Frames that can still be read after playback."""

    def consumed(self) -> int:
        """The playhead: frames taken so far. Any thread."""
        ...

    def write(self, start: int, audio: Audio) -> int:
        """Put `audio` at frame `start`; returns the frames dropped because they came too late. Render thread only."""
        ...

    def recent(self, start: int, frames: int) -> Audio:
        """The frames [start, start + frames) as they were taken, at most `kept` ago; a copy. Any thread."""
        ...

    def fade_out(self) -> None:
        """Fade out quickly what was written but not yet taken. Render thread only."""
        ...

    def alive(self) -> bool:
        """False once the device or its server is gone. Any thread."""
        ...

    def poll(self) -> int:
        """Keep the stream alive; call it about once a second. Returns the blocks reported as lost so far.

        Always the same thread, and not the render thread.
        """
        ...

    def close(self) -> None:
        """Stop and free the device."""
        ...


class NullOutput:
    """No device: takes blocks when `advance` says so and keeps what was played."""

    name = "none"

    def __init__(self, rate: int, block: int, channels: int = 2, device_latency: float = 0.0) -> None:
        self.rate, self.block, self.device_latency = rate, block, device_latency
        self._ring = RingBuffer(1 << 16, channels)
        self._ring.clear_to(self._ring.reach)
        self.kept = self._ring.kept
        self._consumed = 0
        self._blocks: list[Audio] = []

    def advance(self) -> None:
        """The device takes one block."""
        self._blocks.append(self._ring.read(self._consumed, self.block))
        self._consumed += self.block

    def played(self) -> Audio:
        """Everything taken so far, [frames, channels]."""
        return np.concatenate(self._blocks) if self._blocks else np.zeros((0, 2), np.float32)

    def consumed(self) -> int:
        """Frames taken so far."""
        return self._consumed

    def write(self, start: int, audio: Audio) -> int:
        """As `Output.write`."""
        self._ring.clear_to(self._consumed + self._ring.reach)
        return self._ring.write(start, audio, self._consumed)

    def recent(self, start: int, frames: int) -> Audio:
        """As `Output.recent`."""
        return self._ring.read(start, frames)

    def fade_out(self) -> None:
        """As `Output.fade_out`."""
        self._ring.fade_out(self._consumed)

    def alive(self) -> bool:
        """Always."""
        return True

    def poll(self) -> int:
        """Nothing to do, nothing lost."""
        return 0

    def close(self) -> None:
        """Nothing to free."""
