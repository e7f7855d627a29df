"""A drum performance: what was played, exactly when and how hard, and under which conditions.

The one event format of the project. Corpora are read into it, drummers write it, the grid and the sampler read it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ghostnote.music.articulations import PIECES, lanes_of_piece

HIT: Final = np.dtype([("time", "f8"), ("lane", "i2"), ("velocity", "f4")])
OPENNESS: Final = np.dtype([("time", "f8"), ("value", "f4")])
CHOKE: Final = np.dtype([("time", "f8"), ("lane", "i2")])
EVENTS: Final = ("hits", "openness", "chokes")
"""The fields of a `Performance` that hold events with a time."""
EARLY_BEATS: Final = 1 / 8
"""Quarter notes before a barline that belong to the bar after it: half a sixteenth."""


def _empty(dtype: np.dtype) -> NDArray[np.void]:
    return np.empty(0, dtype)


@dataclass(frozen=True)
class Performance:
    """Hits and pedal movement of one take.

    `hits`: dtype HIT, sorted by time [s], lane 0..21, velocity in (0, 1].
    `openness`: dtype OPENNESS, hi-hat opening as a step curve, 0 closed .. 1 open; 0 before the first point.
    `chokes`: dtype CHOKE, moments at which a sounding lane is grabbed.
    """

    hits: NDArray[np.void]
    openness: NDArray[np.void] = field(default_factory=lambda: _empty(OPENNESS))
    chokes: NDArray[np.void] = field(default_factory=lambda: _empty(CHOKE))
    bpm: float = 120.0
    meter: tuple[int, int] = (4, 4)
    duration: float = 0.0
    """Length [s] including the silence after the last hit; never before the last hit."""
    drummer: str = ""
    style: str = ""
    kind: str = "beat"
    """"beat" or "fill", as in the Groove MIDI Dataset."""
    split: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        if self.hits.dtype != HIT or self.openness.dtype != OPENNESS or self.chokes.dtype != CHOKE:
            raise ValueError("hits, openness and chokes need the dtypes HIT, OPENNESS and CHOKE")
        if len(self.hits) and (np.any(np.diff(self.hits["time"]) < 0)):
            raise ValueError("hits are not sorted by time")

    @property
    def pieces(self) -> tuple[str, ...]:
        """The pieces that are played, in the order of PIECES."""
        played = set(self.hits["lane"].tolist())
        return tuple(piece for piece in PIECES if played.intersection(lanes_of_piece(piece)))

    def only(self, piece: str) -> "Performance":
        """The hits of one piece; pedal and chokes stay."""
        return replace(self, hits=self.hits[np.isin(self.hits["lane"], lanes_of_piece(piece))])

    def between(self, start: float, stop: float) -> "Performance":
        """The part in [start, stop) seconds with times relative to `start`; openness at `start` is kept."""
        hits = self.hits[(self.hits["time"] >= start) & (self.hits["time"] < stop)].copy()
        hits["time"] -= start
        curve = self.openness
        before = curve[curve["time"] < start][-1:].copy()
        before["time"] = start
        inside = curve[(curve["time"] >= start) & (curve["time"] < stop)]
        openness = np.concatenate([before, inside])
        openness["time"] -= start
        chokes = self.chokes[(self.chokes["time"] >= start) & (self.chokes["time"] < stop)].copy()
        chokes["time"] -= start
        return replace(self, hits=hits, openness=openness, chokes=chokes, duration=stop - start)

    @property
    def bar_beats(self) -> float:
        """Quarter notes of a bar."""
        return self.meter[0] * 4 / self.meter[1]

    def at_tempo(self, bpm: float) -> "Performance":
        """The same beats at another tempo, everything in proportion."""
        if bpm == self.bpm:
            return self
        factor = self.bpm / bpm
        return replace(self, **self._timed(factor, 0.0), bpm=bpm, duration=self.duration * factor)

    def shifted(self, seconds: float) -> "Performance":
        """Everything `seconds` later (earlier if negative; times below 0 are kept)."""
        return replace(self, **self._timed(1.0, seconds), duration=self.duration + seconds)

    def bars(self, count: int) -> list["Performance"]:
        """The first bars, each by itself; what is up to `EARLY_BEATS` before a barline belongs after it, below 0."""
        beat = 60 / self.bpm
        length, early = self.bar_beats * beat, EARLY_BEATS * beat
        parts = [self.between(n * length - early, (n + 1) * length - early) for n in range(count)]
        return [replace(part.shifted(-early), duration=length) for part in parts]

    def _timed(self, factor: float, plus: float) -> dict[str, NDArray[np.void]]:
        """All events at times * factor + plus."""
        columns = {name: getattr(self, name).copy() for name in EVENTS}
        for column in columns.values():
            column["time"] = column["time"] * factor + plus
        return columns


def join_bars(bars: Sequence[Performance]) -> Performance:
    """Bars one after the other, in tempo and meter of the last; nothing is before 0."""
    last = bars[-1]
    starts = np.cumsum([0.0, *(bar.bar_beats * 60 / last.bpm for bar in bars)])
    moved = [bar.at_tempo(last.bpm).shifted(start) for bar, start in zip(bars, starts.tolist(), strict=False)]
    columns: dict[str, NDArray[np.void]] = {}
    for name in EVENTS:
        column = np.concatenate([getattr(bar, name) for bar in moved])
        column["time"] = np.maximum(column["time"], 0.0)
        columns[name] = column[np.argsort(column["time"], kind="stable")]
    return replace(last, **columns, duration=float(starts[-1]))


def make_hits(rows: list[tuple[float, int, float]]) -> NDArray[np.void]:
    """(time [s], lane, velocity 0..1) rows as a HIT array sorted by time, equal times in the order given."""
    hits = np.array(rows, dtype=HIT)
    return hits[np.argsort(hits["time"], kind="stable")]
