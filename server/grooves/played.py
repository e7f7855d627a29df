"""What was played live recently, and the bars of it from which a drummer can continue."""

from collections import deque
from dataclasses import dataclass
from math import floor
from typing import Final

from ghostnote.events import NoteEvent
from ghostnote.music.performance import EARLY_BEATS, Performance, make_hits
from server.engine.transport import Transport

METER: Final = (4, 4)
BEATS: Final = 4
"""Quarter notes of a bar; live playing is assumed to be in 4/4."""
FEWEST_BARS: Final = 2
MOST_BARS: Final = 4
PAUSE_BEATS: Final = 6.0
"""A silence of this many quarter notes ends what was played."""
DECIDE_SECONDS: Final = 0.6
"""How long before a barline it is decided to continue there: the time to generate a bar."""
KEPT: Final = 2048
"""Hits that are remembered."""


@dataclass(frozen=True)
class PlayedPhrase:
    """Whole bars that were played."""

    performance: Performance
    bars: int
    start: float
    """Its first barline [quarter notes of the transport]."""

    @property
    def end(self) -> float:
        """The barline after it, where the continuation begins."""
        return self.start + self.bars * BEATS


class PlayedHistory:
    """Remembers hits as they come in. `add` may be called by any thread, `phrase` by one."""

    def __init__(self) -> None:
        self._hits: deque[NoteEvent] = deque(maxlen=KEPT)

    def add(self, hit: NoteEvent) -> None:
        """One more hit."""
        self._hits.append(hit)

    def phrase(self, transport: Transport, now: float) -> PlayedPhrase | None:
        """The last 2 to 4 bars up to the next barline, None while there are too few or it is too early to decide.

        While the transport plays, its barlines count; else the first hit after a silence is the first of a bar. The
        tempo is the transport's. The rest of the last bar, still to come, is taken from the bar before.
        """
        rows = sorted((transport.reached(hit.at), hit.lane, hit.velocity) for hit in tuple(self._hits))
        rows = _since_the_last_silence(rows, transport.reached(now))
        if not rows:
            return None
        origin = 0.0 if transport.playing else rows[0][0]
        bar_of = [floor((beat + EARLY_BEATS - origin) / BEATS) for beat, _, _ in rows]
        end, bars = bar_of[-1] + 1, min(MOST_BARS, bar_of[-1] + 1 - bar_of[0])
        barline = origin + end * BEATS
        if bars < FEWEST_BARS or now < transport.time_of(barline) - DECIDE_SECONDS:
            return None
        start = barline - bars * BEATS
        kept = [(beat - start, lane, velocity) for (beat, lane, velocity), n in zip(rows, bar_of, strict=True)
                if n >= end - bars]  # fmt: skip
        reached = transport.reached(now) - start
        kept += [(beat + BEATS, lane, velocity) for beat, lane, velocity in kept
                 if (bars - 1) * BEATS > beat + EARLY_BEATS >= max(0.0, reached + EARLY_BEATS - BEATS)
                 and beat + EARLY_BEATS >= (bars - 2) * BEATS]  # fmt: skip
        second = 60 / transport.bpm
        hits = make_hits([(beat * second, lane, velocity) for beat, lane, velocity in kept])
        length = bars * BEATS * second
        return PlayedPhrase(
            Performance(hits, bpm=transport.bpm, meter=METER, duration=length, name="played"), bars, start
        )


def _since_the_last_silence(rows: list[tuple[float, int, float]], beat: float) -> list[tuple[float, int, float]]:
    """The hits since the last silence, none if it lasts until now."""
    if not rows or beat - rows[-1][0] > PAUSE_BEATS:
        return []
    first = len(rows) - 1
    while first and rows[first][0] - rows[first - 1][0] <= PAUSE_BEATS:
        first -= 1
    return rows[first:]
