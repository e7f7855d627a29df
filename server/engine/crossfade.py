"""From one renderer to another while music plays, without a gap.

The new one has rendered the last seconds for itself, so that what rings goes on in it. The hops that it lacks still it
renders beside the old one, which does not wait for it. Then both render the same hits, side by side on two threads so
that a hop takes hardly longer than otherwise, while one is faded out and the other in: with equal power, because the
two sounds have nothing to do with each other.
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
"""As short as it sounds smooth: meanwhile a hop costs both cores."""


class RenderHelper:
    """A thread, as urgent as the render thread, that renders beside it. Make it beforehand: starting one takes time."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "crossing", prioritise_thread, (RENDER_PRIORITY,))
        self.submit = self._pool.submit
        self.submit(int).result()

    def close(self) -> None:
        """End the thread when it has done its work; does not wait."""
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
        """Whether nothing of the old one is heard any more."""
        return self._frame >= self._frames

    def close(self) -> None:
        """End the helper."""
        self.join()
        self._helper.close()

    def join(self) -> None:
        """Wait until nobody renders: to be called before the new renderer is touched in any way."""
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
