"""From one renderer to another while music plays, without a gap.

The new one has rendered the last seconds for itself, so that what rings goes on in it. It catches up with what was
played since, little by little so that no call is late, and then both render the same hits while one is faded
out and the other in, with equal power, because the two sounds have nothing to do with each other.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ghostnote.grid import HopEvents
from server.control import Renders

Audio = NDArray[np.float32]

FADE_SECONDS: Final = 0.05


class Crossing:
    """Renders with two renderers until `done`. Owned by the render thread."""

    def __init__(self, old: Renders, new: Renders, behind: Sequence[HopEvents]) -> None:
        """`behind`: the hops that `old` has rendered and `new` has not."""
        self.old = old
        self._new, self._behind = new, list(behind)
        self._frame, self._frames = 0, round(FADE_SECONDS * new.sample_rate)

    @property
    def done(self) -> bool:
        """Whether nothing of the old one is heard any more."""
        return self._frame >= self._frames

    def render(self, events: Sequence[HopEvents]) -> Audio:
        """As `Renders.render`."""
        audio = self.old.render(events)
        if self._behind:
            self._behind += events
            hops = 2 * len(events) + 1
            self._new.render(self._behind[:hops])
            self._behind = self._behind[hops:]
            return audio
        place = np.clip((self._frame + np.arange(len(audio))) / self._frames, 0, 1) * (np.pi / 2)
        self._frame += len(audio)
        fade = np.stack([np.cos(place), np.sin(place)]).astype(np.float32)[:, :, None]
        return audio * fade[0] + self._new.render(events) * fade[1]
