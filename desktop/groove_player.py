"""Plays a groove in a loop by sending its hits ahead of time, in bundles with time tags. Without Qt.

So delays of the network and of this process do not affect the timing: the server plays every hit at its time.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from desktop.session import path
from ghostnote.errors import InputError
from ghostnote.music.articulations import ARTICULATIONS
from ghostnote.music.performance import Performance

AHEAD_SECONDS: Final = 0.25
"""How long before they sound hits are sent."""
TICK_SECONDS: Final = 0.05
"""How often `tick` should be called."""

SendAt = Callable[..., None]
Shown = Callable[[str, float], None]


class GroovePlayer:
    """A loop over one performance at a tempo that may change while it plays. Times are those of `time.time()`."""

    def __init__(self, send_at: SendAt, show: Shown) -> None:
        """`send_at(time, address, *values)` sends; `show(articulation, velocity)` is called when a hit sounds."""
        self._send_at, self._show = send_at, show
        self._beats = np.zeros(0)
        self._hits: list[tuple[str, tuple[str, float] | tuple[float]]] = []
        self._length = 0.0
        self._tempo = 120.0
        self._next = 0
        self._then = self._beat = 0.0
        self._sent: list[tuple[float, str, float]] = []
        self.playing = False

    def start(self, groove: Performance, tempo: float, now: float) -> None:
        """Play `groove` from its first beat. Raises InputError if it has no hits."""
        if not len(groove.hits) or groove.duration <= 0:
            raise InputError(f"groove {groove.name!r} has no hits")
        rate = groove.bpm / 60
        rows = [
            (float(hit["time"]) * rate, (path("hit"), (ARTICULATIONS[int(hit["lane"])].name, float(hit["velocity"]))))
            for hit in groove.hits
        ]
        rows += [(float(p["time"]) * rate, (path("openness"), (float(p["value"]),))) for p in groove.openness]
        rows.sort(key=lambda row: (row[0], row[1][0] == path("hit")))
        self._beats = np.array([max(0.0, beat) for beat, _ in rows])
        self._hits = [message for _, message in rows]
        self._length = groove.duration * rate
        self._tempo, self._next = tempo, 0
        self._then, self._beat = now + AHEAD_SECONDS / 2, 0.0
        self._sent.clear()
        self.playing = True

    def stop(self) -> None:
        """Send no more."""
        self.playing = False
        self._sent.clear()

    def set_tempo(self, tempo: float, now: float) -> None:
        """Continue at `tempo` from what has not been sent yet."""
        horizon = max(now + AHEAD_SECONDS, self._then)
        self._beat += (horizon - self._then) * self._tempo / 60
        self._then, self._tempo = horizon, tempo

    def tick(self, now: float) -> None:
        """Send what sounds within `AHEAD_SECONDS`, show what sounds now."""
        while self.playing:
            when = self._time_of_next()
            if when > now + AHEAD_SECONDS:
                break
            address, values = self._hits[self._next % len(self._hits)]
            if when > now - AHEAD_SECONDS:  # after a long pause of this process the missed hits are skipped
                self._send_at(when, address, *values)
                if len(values) == 2:
                    self._sent.append((when, *values))
            self._next += 1
        while self._sent and self._sent[0][0] <= now:
            _, articulation, velocity = self._sent.pop(0)
            self._show(articulation, velocity)

    def _time_of_next(self) -> float:
        rounds, index = divmod(self._next, len(self._hits))
        beat = rounds * self._length + self._beats[index]
        return self._then + (float(beat) - self._beat) * 60 / self._tempo
