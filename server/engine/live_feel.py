"""A drummer's feel on hits that are played in. It can only delay them, so it is off unless it is asked for."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from ghostnote.events import NoteEvent
from ghostnote.files.preset import Preset
from server.engine.transport import Transport


class FeelModel(Protocol):
    """Says of hits how long to wait with them (drummers.humanizer.live.LiveHumanizer)."""

    bpm: float
    lead: float
    """Seconds that a hit waits which is neither early nor late."""

    def hit(self, beat: float, lane: int, velocity: float) -> tuple[float, float]:
        """Delay [s] and velocity of a hit at `beat` [quarter notes]."""
        ...


class LiveFeel:
    """Delays and weighs hits as the drummer of the settings would, as far as their feel says. Any thread."""

    def __init__(
        self,
        begin: Callable[[int], FeelModel],
        transport: Callable[[], Transport | None],
        settings: Callable[[], Preset],
    ) -> None:
        """`begin` makes a humaniser for a drummer; it is called at once. Raises what `begin` raises."""
        self._begin, self._transport, self._settings = begin, transport, settings
        self._lock = threading.Lock()
        self._drummer = settings().drummer
        self._delays = begin(self._drummer)

    @property
    def latency(self) -> float:
        """Seconds by which the feel as a whole comes later, a part of the latency."""
        return self._delays.lead * self._settings().feel.get("timing", 0.0)

    def play(self, hit: NoteEvent) -> NoteEvent:
        """The hit as it is to sound."""
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
