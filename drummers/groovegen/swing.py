"""Swing of a performance: where the second of two notes falls, measured and moved."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drummers.common.tokens import pedal
from ghostnote.music.performance import Performance

EARLY, LATE = 0.4, 0.71
"""Where a second note may lie in its pair, as played; a straight sixteenth after it lies later."""


def swing_of(performance: Performance, note: int = 8) -> float | None:
    """Median place of second notes in their pair: 0.5 straight, 0.667 triplets; None without such notes.

    note: pairs of eighths (8) or of sixteenths (16).
    """
    inside = _places(performance, note)[1]
    seconds = inside[(inside > EARLY) & (inside < LATE)]
    return float(np.median(seconds)) if len(seconds) else None


def swing_to(performance: Performance, swing: float, note: int) -> dict[str, Any]:
    """The changed fields of the performance with its second notes moved to `swing`: times between them stretch.

    Straight music is warped as it is; swung music is first taken where its own second notes lie.
    """
    pair, inside = _places(performance, note)
    now = swing_of(performance, note) or 0.5
    late = inside > now
    warped = np.where(late, swing + (inside - now) * (1 - swing) / (1 - now), inside * swing / now)
    hits = performance.hits.copy()
    moved = (pair + np.where(inside < 0, inside, warped)) * (8 / note) * 60 / performance.bpm
    hits["time"] = np.maximum(0.0, moved)
    hits = hits[np.argsort(hits["time"], kind="stable")]
    return {"hits": hits, "openness": pedal(hits)}


def _places(performance: Performance, note: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Number of each hit's pair, and its place in it; a hit shortly before a pair is in that, below 0."""
    position = performance.hits["time"] * performance.bpm / 60 / (8 / note)
    pair = np.floor(position + 0.1)
    return pair, position - pair
