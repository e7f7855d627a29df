"""A drummer's feel for live hits. It can only delay them, so it is off by default."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from ghostnote.events import NoteEvent
from ghostnote.files.preset import Preset
from server.engine.transport import Transport


class FeelModel(Protocol):
    """Decides how long to delay hits (implemented by drummers.humanizer.live.LiveHumanizer)."""

    bpm: float
    lead: float
    """Seconds by which a hit that is neither early nor late is delayed."""

    def hit(self, beat: float, lane: int, velocity: float) -> tuple[float, float]:
        """Delay [s] and velocity of a hit at `beat` [quarter notes]."""
        ...


class LiveFeel:
    """Delays and scales hits as the drummer of the settings would, by the amount of feel. Any thread."""

    def __init__(
        self,
        begin: Callable[[int], FeelModel],
        transport: Callable[[], Transport | None],
        settings: Callable[[], Preset],
    ) -> None:
        """`begin` creates a humaniser for a drummer and is called at once. Raises what `begin` raises."""
        self._begin, self._transport, self._settings = begin, transport, settings
        self._lock = threading.Lock()
        self._drummer = settings().drummer
        self._delays = begin(self._drummer)

    @property
    def latency(self) -> float:
        """The constant delay of the feel [s], a part of the latency."""
        return self._delays.lead * self._settings().feel.get("timing", 0.0)

    def play(self, hit: NoteEvent) -> NoteEvent:
        """The hit with feel."""
        settings, transport = self._settings(), self._transport()
        timing, loudness = (settings.feel.get(aspect, 0.0) for aspect in ("timing", "velocity"))
        if transport is None or not (timing or loudness):
            return hit
        with self._lock:
            if settings.drummer != self._drummer:
                self._delays, self._drummer = self._begin(settings.drummer), settings.drummer
            self._delays.bpm = transport.bpm
            delay, velocity = self._delays.hit(transport.beat_at(hit.at), hit.lane, hit.velocity)
        velocity = hit.velocity + loudness * (velocity - hit.velocity)
        return replace(hit, at=hit.at + timing * delay, velocity=velocity, performed=True)
