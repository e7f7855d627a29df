"""The row `ours`: a bundle through the product's own renderer. No torch."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ghostnote.music.grid import HopEvents, hop_events
from ghostnote.music.performance import Performance

if TYPE_CHECKING:
    from server.render.renderer import Renderer

CONTEXT_SECONDS: Final = 4.0
"""Music rendered before a window, so that what rings on into it sounds as in a rendering of the whole."""


@dataclass
class BundleRender:
    """Renders windows; successive windows of one performance continue from the same state, as when playing."""

    renderer: "Renderer"
    _of: tuple[Performance, str] | None = None
    _events: list[HopEvents] = field(default_factory=list[HopEvents])
    _audio: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    _first: int = 0
    """Hop at which `_audio` begins."""

    def __call__(self, performance: Performance, kit: str, start: int, stop: int) -> NDArray[np.float32]:
        """See `evaluation.sound.rows.Render`."""
        hop, rate = self.renderer.hop, self.renderer.sample_rate
        end = -(-stop // hop)
        same = self._of is not None and self._of[0] is performance and self._of[1] == kit
        if not same:
            self._events = hop_events(
                performance, -(-round(performance.duration * rate) // hop), hop=hop, sample_rate=rate
            )
        done = self._first + len(self._audio) // hop
        lead = max(0, start // hop - round(CONTEXT_SECONDS * rate / hop))
        if not same or start < self._first * hop or lead > done:
            self._restart(performance, kit, lead)
            done = lead
        if end > done:
            events = self._events[done:end]
            events += [HopEvents(bpm=performance.bpm)] * (end - done - len(events))
            self._audio = np.concatenate([self._audio, self.renderer.render(events)])
        at = start - self._first * hop
        return self._audio[at : at + stop - start]

    def _restart(self, performance: Performance, kit: str, hop: int) -> None:
        self._of, self._first = (performance, kit), hop
        self._audio = np.zeros((0, self.renderer.channels), np.float32)
        self.renderer.reset()
        self.renderer.set_kit({kit: 1.0})
