"""A rig for engine tests: a device, a clock and a renderer that only clicks, all under the test's control."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ghostnote.events import Event
from ghostnote.files.preset import PieceSound, Preset
from ghostnote.music.grid import HopEvents
from server.audio.output import NullOutput
from server.engine.engine import Engine
from server.engine.inbox import Inbox
from server.engine.live_settings import LiveSettings


@dataclass(frozen=True)
class Title:
    name: str


@dataclass
class ClickRenderer:
    """One sample of the hit's velocity at the hit's frame; a kit is a constant added to every sample."""

    hop: int = 256
    sample_rate: int = 48000
    channels: int = 2
    kits: tuple[str, ...] = ("low", "high")
    causal: bool = True
    provider: str = "none"
    manifest: Title = Title("click")
    resets: int = 0
    networks: int = 3
    level: float = 0.0
    seen: list[HopEvents] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    """Hops of each call of `render`."""

    def figures(self) -> Mapping[str, float]:
        return {}

    def reset(self) -> None:
        self.resets += 1

    def learn(self, events: Sequence[HopEvents]) -> None:
        self.seen.extend(events)

    def close(self) -> bool:
        self.networks -= 1
        return self.networks > 0

    def set_kit(self, weights: Mapping[str, float]) -> None:
        self.level = weights.get("high", 0.0)

    def set_pieces(self, pieces: Mapping[str, PieceSound]) -> None:
        pass

    def set_levels(self, levels_db: Mapping[str, float], pans: Mapping[str, float]) -> None:
        pass

    def render(self, events: Sequence[HopEvents]) -> np.ndarray:
        self.seen.extend(events)
        self.calls.append(len(events))
        audio = np.full((len(events) * self.hop, self.channels), self.level, np.float32)
        for n, hop in enumerate(events):
            for hit in hop.hits:
                audio[n * self.hop + hit.offset] += hit.velocity
        return audio


class Rig:
    """Simulated time [s]: the device takes blocks, the engine looks and renders when it is due."""

    def __init__(self, *, hop=256, block=128, rate=48000, bundle_rate=48000, ppm=0.0, start=7.3, lead=None, **options):
        causal = options.pop("causal", True)
        self.renderer = ClickRenderer(hop=hop, sample_rate=bundle_rate, causal=causal)
        self.output = NullOutput(rate, block)
        self.inbox = Inbox(options.pop("bound", 4096))
        self.time = start
        self.engine = Engine(
            self.output,
            self.inbox,
            LiveSettings(self.renderer, Preset(mode=options.pop("mode", "live"), tempo=options.pop("tempo", 120.0))),
            share=options.pop("share", 0.0),
            lead=lead,
            limiter=options.pop("limiter", None),
            now=lambda: self.time,
        )
        self._start, self._true_rate = start, rate / (1 + ppm * 1e-6)
        self._random = np.random.default_rng(1)
        self._next_block = 0
        self._looks_after_blocks = options.pop("sharp", True)
        self.stalls: list[tuple[float, float]] = []
        """(from, until): the render thread gets no time."""
        self.waiting: list[Event] = []
        while not self.engine.clock.settled:
            self._take_block()
        self.engine.begin()

    def device_time(self, frame: float) -> float:
        """When the device takes `frame`."""
        return self._start + frame / self._true_rate

    def device_frame(self, time: float) -> float:
        return (time - self._start) * self._true_rate

    def send(self, *events: Event, late: float = 0.0) -> None:
        """Events that reach the inbox `late` seconds after their stamp."""
        self.waiting += events
        self._late = late

    def run(self, until: float) -> None:
        self.waiting.sort(key=lambda event: event.at)
        while True:
            block_at = self.device_time(self._next_block * self.output.block)
            due = self.engine.due()
            for begin, end in self.stalls:
                if begin <= due < end:
                    due = end
            now = max(self.time, min(block_at, due))
            if now >= until:
                break
            self.time = now
            if block_at <= due:
                self._take_block()
                continue
            while self.waiting and self.waiting[0].at + self._late <= self.time:
                self.inbox.put(self.waiting.pop(0))
            self.engine.render_hop()
        self.time = until

    def _take_block(self) -> None:
        at = self.device_time(self._next_block * self.output.block)
        self.output.advance()
        self._next_block += 1
        self.time = at
        if not self._looks_after_blocks:
            self.time += self._random.random() * self.output.block / self.output.rate
        self.engine.clock.observe(self.time, self.output.consumed())
        self.time = at

    def clicks(self) -> np.ndarray:
        """Frames at which something sounds."""
        return np.flatnonzero(np.abs(self.output.played()[:, 0]) > 1e-3)
