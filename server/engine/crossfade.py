"""Crossfades from one renderer to another while music plays.

The new renderer has rendered the last seconds, so that what rings continues in it. The hops that it still lacks it
renders alongside the old one, which does not wait for it. Then both render the same hits on two threads, so
that a hop takes hardly longer than usual, while one is faded out and the other in: with equal power, because the
two signals are uncorrelated.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ghostnote.music.grid import HopEvents
from server.engine.live_settings import LiveRenderer
from server.system.scheduling import RENDER_PRIORITY, prioritise_thread

Audio = NDArray[np.float32]

FADE_SECONDS: Final = 0.01
"""As short as possible without a click: during the fade a hop costs both cores."""


class RenderHelper:
    """A thread that renders alongside the render thread at its priority. Create it in advance: starting takes time."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "crossing", prioritise_thread, (RENDER_PRIORITY,))
        self.submit = self._pool.submit
        self.submit(int).result()

    def close(self) -> None:
        """Let the thread finish its work and stop; does not wait."""
        self._pool.shutdown(wait=False)


class Crossfade:
    """Renders with two renderers until `done`. Owned by the render thread."""

    def __init__(self, old: LiveRenderer, new: LiveRenderer, behind: Sequence[HopEvents], helper: RenderHelper) -> None:
        """`behind`: the hops that `old` has rendered and `new` has not."""
        self.old = old
        self._new, self._behind, self._helper = new, list(behind), helper
        self._catching_up: Future[Audio] | None = None
        self._frame, self._frames = 0, round(FADE_SECONDS * new.sample_rate)

    @property
    def done(self) -> bool:
        """Whether the old one is faded out."""
        return self._frame >= self._frames

    def close(self) -> None:
        """Stop the helper thread."""
        self.join()
        self._helper.close()

    def join(self) -> None:
        """Wait until the helper is idle; call it before using the new renderer in any way."""
        if self._catching_up:
            self._catching_up.result()
            self._catching_up = None

    def render(self, events: Sequence[HopEvents]) -> Audio:
        """As `LiveRenderer.render`."""
        self.join()
        if self._behind:
            self._behind += events
            hops = 2 * len(events)
            self._catching_up = self._helper.submit(self._new.render, self._behind[:hops])
            self._behind = self._behind[hops:]
            return self.old.render(events)
        coming = self._helper.submit(self._new.render, events)
        leaving = self.old.render(events)
        place = np.clip((self._frame + np.arange(len(leaving))) / self._frames, 0, 1) * (np.pi / 2)
        self._frame += len(leaving)
        fade = np.stack([np.cos(place), np.sin(place)]).astype(np.float32)[:, :, None]
        return leaving * fade[0] + coming.result() * fade[1]
