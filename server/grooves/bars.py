"""Bars of grooves to be played: strokes by beat, with and without a drummer's feel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostnote.music.performance import Performance


@dataclass(frozen=True, slots=True)
class Stroke:
    """A hit of a bar; beats count from the bar's start."""

    beat: float
    lane: int
    velocity: float
    performed_beat: float
    """As a drummer plays it; equals `beat` without a drummer."""
    performed_velocity: float


@dataclass(frozen=True)
class Bar:
    """One bar, ready to be played."""

    beats: float
    """Length in quarter notes."""
    strokes: tuple[Stroke, ...]
    pedal: tuple[tuple[float, float], ...]
    """(beat, openness)."""
    performed: bool
    """Whether it has a drummer's feel."""
    tempo: float | None = None
    """The tempo it asks for."""


def ready_bar(plain: Performance, performed: Performance | None, tempo: float | None = None) -> Bar:
    """One bar, with and without a drummer's feel; `performed` has the same hits, in the same order within each lane."""
    rate = plain.bpm / 60
    played = _by_lane((performed or plain).hits)
    strokes = [
        Stroke(
            float(hit["time"]) * rate, int(hit["lane"]), float(hit["velocity"]),
            float(mine["time"]) * rate, float(mine["velocity"]),
        )
        for hit, mine in zip(_by_lane(plain.hits), played, strict=True)
    ]  # fmt: skip
    pedal = tuple((float(point["time"]) * rate, float(point["value"])) for point in plain.openness)
    return Bar(plain.bar_beats, tuple(strokes), pedal, performed is not None, tempo)


def _by_lane(hits: NDArray[np.void]) -> NDArray[np.void]:
    return hits[np.lexsort((hits["time"], hits["lane"]))]
