"""What a stretch of drumming is like: density, loudness, swing, and its mean offset and velocity per sixteenth."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.drummers.hits import TIME_UNIT, VELOCITY_UNIT
from evaluation.drummers.loops import CLASS_OF_LANE, CLASSES, PER_QUARTER, steps_per_bar
from ghostnote.music.performance import Performance

TIMEKEEPERS: Final = tuple(CLASSES.index(name) for name in ("hat_closed", "hat_open", "ride"))


def density(performance: Performance) -> float:
    """Hits per bar."""
    bars = performance.duration * performance.bpm / 60 * PER_QUARTER / steps_per_bar(performance.meter)
    return len(performance.hits) / bars if bars else float("nan")


def mean_velocity(performance: Performance) -> float:
    """Mean velocity of the hits, 0..1; NaN without any."""
    return float(performance.hits["velocity"].mean()) if len(performance.hits) else float("nan")


def swing(performance: Performance, note: int = 8) -> float:
    """Where off-beat notes fall in their pair of eighths (`note` 8) or sixteenths (16), median over timekeepers.

    0.5 is straight, 0.667 triplets. Counted are hats and ride between 0.4 and 0.8 of the pair, where a second note of
    a pair can lie (a sixteenth on its own, at 0.25 or 0.75 of a pair of eighths, is only counted from 0.4 to 0.7).
    NaN without such a hit.
    """
    hits = performance.hits[np.isin(CLASS_OF_LANE[performance.hits["lane"]], TIMEKEEPERS)]
    place = hits["time"] * performance.bpm / 60 * note / 8 % 1
    second = place[(place > 0.4) & (place < (0.7 if note == 8 else 0.8))]
    return float(np.median(second)) if len(second) else float("nan")


def sixteenth_profile(performances: Sequence[Performance]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean offset [s, late is positive] and mean velocity of the hits at each sixteenth of a 4/4 bar and class.

    Both [16, 9], NaN where nobody played.
    """
    sums = np.zeros((16, len(CLASSES), 3))
    for performance in performances:
        position = performance.hits["time"] * performance.bpm / 60 * PER_QUARTER
        step = np.round(position).astype(int)
        offset = (position - step) / PER_QUARTER * 60 / performance.bpm
        values = np.column_stack([np.ones(len(step)), offset, performance.hits["velocity"]])
        np.add.at(sums, (step % 16, CLASS_OF_LANE[performance.hits["lane"]]), values)
    with np.errstate(invalid="ignore"):
        means = sums[..., 1:] / sums[..., :1]
    return means[..., 0], means[..., 1]


def profile_distance(ours: Sequence[Performance], theirs: Sequence[Performance]) -> float:
    """Second part of the groove distance: of the mean offsets and velocities per sixteenth and class.

    Root mean square of sqrt((dt / 20 ms)^2 + (dv / 0.2)^2) over the cells that both have; NaN without any.
    """
    (offset_a, velocity_a), (offset_b, velocity_b) = sixteenth_profile(ours), sixteenth_profile(theirs)
    squares = ((offset_a - offset_b) / TIME_UNIT) ** 2 + ((velocity_a - velocity_b) / VELOCITY_UNIT) ** 2
    both = squares[~np.isnan(squares)]
    return float(np.sqrt(both.mean())) if len(both) else float("nan")
