"""How far the feel of a performance is from that of a real one with the same hits: timing and velocity.

Timing is the distance of a hit from its nearest sixteenth. Distributions are compared by the Wasserstein-1 distance:
how far values have to be moved on average to turn one distribution into the other, in their own unit.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from evaluation.drummers.hits import match_hits
from evaluation.drummers.loops import CLASS_OF_LANE, PER_QUARTER
from evaluation.drummers.profile import profile_distance
from ghostnote.music.performance import Performance

Values = NDArray[np.float64]


def timing(performance: Performance) -> Values:
    """Distance of every hit from its nearest sixteenth [ms], late is positive."""
    position = performance.hits["time"] * performance.bpm / 60 * PER_QUARTER
    return (position - np.round(position)) * 15000 / performance.bpm


def velocity(performance: Performance) -> Values:
    """Velocity of every hit, 0..1."""
    return performance.hits["velocity"].astype(np.float64)


def apart(real: Performance, other: Performance, of: Callable[[Performance], Values]) -> float:
    """Wasserstein-1 distance of a quantity over all hits; NaN where one has none."""
    ours, theirs = of(real), of(other)
    return float(wasserstein_distance(ours, theirs)) if len(ours) and len(theirs) else float("nan")


def apart_by_class(real: Performance, other: Performance, of: Callable[[Performance], Values]) -> float:
    """The same inside each of the nine classes that both strike, weighted by the real one's hits."""
    kinds, other_kinds = (CLASS_OF_LANE[p.hits["lane"]] for p in (real, other))
    ours, theirs = of(real), of(other)
    both = np.intersect1d(kinds, other_kinds)
    if not len(both):
        return float("nan")
    found = [wasserstein_distance(ours[kinds == kind], theirs[other_kinds == kind]) for kind in both]
    return float(np.average(found, weights=[np.sum(kinds == kind) for kind in both]))


DISTANCES: Final[dict[str, Callable[[Performance, Performance], float]]] = {
    "timing [ms]": lambda real, other: apart(real, other, timing),
    "velocity": lambda real, other: apart(real, other, velocity),
    "timing by class [ms]": lambda real, other: apart_by_class(real, other, timing),
    "velocity by class": lambda real, other: apart_by_class(real, other, velocity),
    "profile": lambda real, other: profile_distance([real], [other]),
    "groove distance": lambda real, other: match_hits(real, other).distance,
}
"""Name -> distance of two performances of the same pattern; 0 for the same feel."""
