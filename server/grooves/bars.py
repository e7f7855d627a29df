"""Bars of grooves: performances of one bar each, in and out of longer ones, and what is to be played of them.

Hits that are less than half a sixteenth before a barline belong to the bar after it; their times are negative there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ghostnote.music.performance import Performance

EARLY_BEATS: Final = 1 / 8
"""Quarter notes before a barline that belong to the bar after it."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A hit of a bar; beats count from the bar's start."""

    beat: float
    lane: int
    velocity: float
    felt_beat: float
    """As a drummer plays it; as `beat` where no drummer does."""
    felt_velocity: float


@dataclass(frozen=True)
class Bar:
    """One bar, ready to be played."""

    beats: float
    """Length in quarter notes."""
    strokes: tuple[Stroke, ...]
    pedal: tuple[tuple[float, float], ...]
    """(beat, openness)."""
    felt: bool
    """Whether a drummer's feel is in it."""
    tempo: float | None = None
    """The tempo it asks for."""


def bar_beats(meter: tuple[int, int]) -> float:
    """Quarter notes of a bar."""
    return meter[0] * 4 / meter[1]


def split(performance: Performance, bars: int) -> list[Performance]:
    """The first bars, each as a performance of its own."""
    beat = 60 / performance.bpm
    length, early = bar_beats(performance.meter) * beat, EARLY_BEATS * beat
    parts: list[Performance] = []
    for n in range(bars):
        part = performance.between(n * length - early, (n + 1) * length - early)
        parts.append(replace(_moved(part, -early), duration=length))
    return parts


def join(bars: Sequence[Performance]) -> Performance:
    """The bars one after the other, in tempo and meter of the last; nothing is before 0."""
    last = bars[-1]
    starts = np.cumsum([0.0, *(bar_beats(bar.meter) * 60 / last.bpm for bar in bars)])
    moved = [_moved(at_tempo(bar, last.bpm), start) for bar, start in zip(bars, starts, strict=False)]
    columns: dict[str, NDArray[np.void]] = {}
    for name in ("hits", "openness", "chokes"):
        column = np.concatenate([getattr(bar, name) for bar in moved])
        column["time"] = np.maximum(column["time"], 0.0)
        columns[name] = column[np.argsort(column["time"], kind="stable")]
    return replace(last, **columns, duration=float(starts[-1]))


def at_tempo(performance: Performance, bpm: float) -> Performance:
    """The same beats at another tempo."""
    return performance if bpm == performance.bpm else replace(_scaled(performance, performance.bpm / bpm), bpm=bpm)


def ready_bar(plain: Performance, felt: Performance | None, tempo: float | None = None) -> Bar:
    """One bar, with and without a drummer's feel; `felt` has the same hits, those of each lane in the same order."""
    rate = plain.bpm / 60
    played = _by_lane((felt or plain).hits)
    strokes = [
        Stroke(
            float(hit["time"]) * rate, int(hit["lane"]), float(hit["velocity"]),
            float(mine["time"]) * rate, float(mine["velocity"]),
        )
        for hit, mine in zip(_by_lane(plain.hits), played, strict=True)
    ]  # fmt: skip
    pedal = tuple((float(point["time"]) * rate, float(point["value"])) for point in plain.openness)
    return Bar(bar_beats(plain.meter), tuple(strokes), pedal, felt is not None, tempo)


def _by_lane(hits: NDArray[np.void]) -> NDArray[np.void]:
    return hits[np.lexsort((hits["time"], hits["lane"]))]


def _moved(performance: Performance, seconds: float) -> Performance:
    return replace(performance, **{name: _changed(getattr(performance, name), 1.0, seconds) for name in _COLUMNS})


def _scaled(performance: Performance, factor: float) -> Performance:
    columns = {name: _changed(getattr(performance, name), factor, 0.0) for name in _COLUMNS}
    return replace(performance, **columns, duration=performance.duration * factor)


_COLUMNS: Final = ("hits", "openness", "chokes")


def _changed(column: NDArray[np.void], factor: float, plus: float) -> NDArray[np.void]:
    changed = column.copy()
    changed["time"] = changed["time"] * factor + plus
    return changed
