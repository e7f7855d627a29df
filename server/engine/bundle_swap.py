"""Changing the bundle while music plays: the new one is loaded, warmed up and caught up in a thread of its own.

ONNX Runtime releases the GIL while it creates a session and while it runs (docs/decisions/0005), so the render
thread, which has the higher priority, continues undisturbed. If anything fails, the old one keeps playing.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ghostnote.errors import GhostnoteError, InputError
from ghostnote.files.preset import Preset
from ghostnote.music.grid import HopEvents
from server.engine.crossfade import RenderHelper
from server.engine.live_settings import LiveRenderer, LiveSettings, apply_settings

log = logging.getLogger(__name__)

WARM_UP_HOPS: Final = 40
CALL_HOPS: Final = 4
REST_SECONDS: Final = 0.003
"""Pause between calls of `CALL_HOPS` hops: the GIL is for the render thread first."""
RENDERED_SECONDS: Final = 0.25
"""Only this last part of the recent hops is rendered, so that the networks have their state; what was before
only updates the grid, which is quick: rendering all of it would make the render thread of a small machine late."""
MOST_CALLS: Final = 500

RecentHops = Sequence[tuple[int, HopEvents]]
"""The last rendered hops, by number."""


@dataclass(frozen=True)
class NewBundle:
    """A renderer that is to take over."""

    renderer: LiveRenderer
    source: str
    """The name or folder it was loaded from."""
    settings: Preset
    """Its settings."""
    next_hop: int
    """The first hop that it has not rendered."""
    helper: RenderHelper
    """Renders it alongside the old one."""


class BundleSwap:
    """A thread that loads bundles on request; of several requests only the last counts."""

    def __init__(
        self,
        load: Callable[[str], LiveRenderer],
        live: LiveSettings,
        recent_hops: Callable[[], RecentHops],
        hand_over: Callable[[NewBundle], bool],
    ) -> None:
        """`load` makes a renderer from a bundle's name or folder; `hand_over` returns whether it was accepted."""
        self._load, self._live, self._recent_hops, self._hand_over = load, live, recent_hops, hand_over
        self._wanted: str | None = None
        self._news = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="bundle", daemon=True)
        self.loading = ""
        """What is being loaded, "" for nothing."""
        self.fault = ""
        """Why the last bundle asked for does not play, "" if it does."""

    def start(self) -> None:
        """Start to wait for requests."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, after the bundle that is being loaded."""
        with self._news:
            self._ended = True
            self._news.notify()
        self._thread.join()

    def ask(self, bundle: str) -> None:
        """Load the bundle of this name or folder. Any thread."""
        with self._news:
            self._wanted, self.loading, self.fault = bundle, bundle, ""
            self._news.notify()

    def _run(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._ended or self._wanted is not None)
                if self._ended:
                    return
                wanted, self._wanted = self._wanted or "", None
            fault = self._swap(wanted)
            with self._news:
                if self._wanted is None:
                    self.loading, self.fault = "", fault

    def _swap(self, wanted: str) -> str:
        try:
            renderer = self._load(wanted)
            self._check_fits(renderer)
            warm_up(renderer)
        except GhostnoteError as error:
            log.warning("the current bundle keeps playing: %s", error)
            return str(error)
        except Exception as error:  # whatever a broken file causes, the current bundle must keep playing
            log.exception("the current bundle keeps playing")
            return f"bundle {wanted} cannot be loaded: {error}"
        settings = self._live.fitted(renderer)
        apply_settings(settings, renderer)
        helper = RenderHelper()
        new = NewBundle(renderer, wanted, settings, self._bring_up(renderer), helper)
        while not self._hand_over(new):
            time.sleep(REST_SECONDS)
        return ""

    def _check_fits(self, renderer: LiveRenderer) -> None:
        present = self._live.renderer
        found, needed = ((r.sample_rate, r.hop, r.channels) for r in (renderer, present))
        if not (renderer.causal and present.causal):
            raise InputError(f"bundle {renderer.manifest.name} cannot take over while playing: start ghostnote with it")
        if found != needed:
            raise InputError(
                f"bundle {renderer.manifest.name} renders {found[2]} channels at {found[0]} Hz, {found[1]} frames per "
                f"hop; {present.manifest.name}, which plays, {needed[2]} at {needed[0]} Hz, {needed[1]}: start "
                "ghostnote with it"
            )

    def _bring_up(self, renderer: LiveRenderer) -> int:
        """Let `renderer` catch up with the recent hops; returns the first hop that it has not rendered."""
        rendered = round(RENDERED_SECONDS * renderer.sample_rate / renderer.hop)
        done = -1
        for _ in range(MOST_CALLS):
            missing = [(n, events) for n, events in self._recent_hops() if n > done]
            if not missing:
                break
            call = missing[:CALL_HOPS]
            take_in = renderer.learn if len(missing) > rendered else renderer.render
            take_in([events for _, events in call])
            done = call[-1][0]
            if len(missing) > CALL_HOPS:
                time.sleep(REST_SECONDS)
        return done + 1


def warm_up(renderer: LiveRenderer) -> None:
    """Render silence, two hops in one call and then one by one; then resets the renderer."""
    renderer.render([HopEvents()] * 2)
    for _ in range(WARM_UP_HOPS):
        renderer.render([HopEvents()])
    renderer.reset()
