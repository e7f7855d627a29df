"""Whole windows for models that look ahead: rendered in one call, in another thread than the render thread.

A window can be rendered once it is over, and must be ready when it is heard, so there is a time between the two: the
share of the window that rendering takes on this machine, as found by `measure_share`.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ghostnote.errors import InputError
from ghostnote.music.grid import HopEvents, HopHit
from server.engine.crossfade import RenderHelper
from server.engine.live_settings import LiveRenderer

Audio = NDArray[np.float32]

TRIALS: Final = 3
"""The shortest counts: the others were the first or were delayed by other programs."""
TRIAL_SECONDS: Final = 2.0
MARGIN: Final = 2.0
"""Time kept for rendering, as a multiple of what a trial took."""
LEAST_SHARE: Final = 0.05
MOST_SHARE: Final = 0.5


def measure_share(renderer: LiveRenderer) -> float:
    """Time to keep for rendering a window, as a share of its length, 0 for a causal model.

    Raises InputError if rendering is too slow to play.
    """
    if renderer.causal:
        return 0.0
    hops = round(TRIAL_SECONDS * renderer.sample_rate / renderer.hop)
    events = [HopEvents((HopHit(0, 0, 1.0),)), *[HopEvents()] * (hops - 1)]
    took: list[float] = []
    for _ in range(TRIALS):
        begin = time.perf_counter()
        renderer.render(events)
        took.append(time.perf_counter() - begin)
    share = max(LEAST_SHARE, MARGIN * min(took) / TRIAL_SECONDS)
    renderer.reset()
    if share > MOST_SHARE:
        raise InputError(
            f"bundle {renderer.manifest.name} needs {share / MARGIN:.2f} s to render a second, expected at most "
            f"{MOST_SHARE / MARGIN:g}: too slow to play here; `ghostnote render` writes files with it"
        )
    return share


class WholeWindows:
    """A renderer at work in another thread. Owned by the render thread, which leaves it alone while `busy`."""

    def __init__(self, renderer: LiveRenderer, rendered: Callable[[float, int], None]) -> None:
        """`rendered` is called with the seconds and hops of each call."""
        self._renderer, self._rendered = renderer, rendered
        self._helper = RenderHelper()
        self._jobs: deque[Future[Audio]] = deque()
        self._ready: Audio = np.zeros((0, renderer.channels), np.float32)

    @property
    def busy(self) -> bool:
        """Whether something is being rendered."""
        return any(not job.done() for job in self._jobs)

    def submit(self, events: Sequence[HopEvents]) -> None:
        """Render the next hops, all in one call."""
        self._jobs.append(self._helper.submit(self._render, events))

    def take(self, frames: int) -> Audio:
        """The next frames that are ready, at most `frames`."""
        while self._jobs and self._jobs[0].done():
            self._ready = np.concatenate([self._ready, self._jobs.popleft().result()])
        taken, self._ready = self._ready[:frames], self._ready[frames:]
        return taken

    def clear(self) -> None:
        """Drop what is ready; waits for what is being rendered."""
        while self._jobs:
            self._jobs.popleft().result()
        self._ready = self._ready[:0]

    def close(self) -> None:
        """End the thread."""
        self.clear()
        self._helper.close()

    def _render(self, events: Sequence[HopEvents]) -> Audio:
        begin = time.perf_counter()
        audio = self._renderer.render(events)
        self._rendered(time.perf_counter() - begin, len(events))
        return audio
