"""Hit F1 and groove distance between two performances of the same bars (same bpm, times from the same zero).

Hits are matched one to one inside each of the nine classes of `loops.CLASSES`, at most `TOLERANCE` apart in time
(largest matching, mir_eval). Hit F1 is that of mir_eval over all classes together: 2 M / (reference + candidate) for M
matched hits.

Groove distance = (sum over matched hits of sqrt((dt / 20 ms)^2 + (dv / 0.2)^2) + 3 U) / (M + U), with U the unmatched
hits of both sides. One is a hit that is 20 ms off, or a fifth of the velocity range; a hit too few or too many costs
as much as the largest error in time with a velocity wrong by a third.
"""

from dataclasses import dataclass
from typing import Final

import mir_eval
import numpy as np
from numpy.typing import NDArray

from evaluation.drummers.loops import CLASS_OF_LANE, CLASSES
from ghostnote.music.performance import Performance

TOLERANCE: Final = 0.05
"""Seconds."""
TIME_UNIT: Final = 0.02
VELOCITY_UNIT: Final = 0.2
UNMATCHED: Final = 3.0


@dataclass(frozen=True)
class Match:
    """How two performances of the same bars fit."""

    matched: int
    reference: int
    """Hits of the reference."""
    candidate: int
    errors: NDArray[np.float64]
    """[matched, 2]: candidate minus reference in time [s] and velocity."""

    @property
    def f1(self) -> float:
        """2 M / (reference + candidate); 1 where both are empty."""
        total = self.reference + self.candidate
        return 2 * self.matched / total if total else 1.0

    @property
    def distance(self) -> float:
        """Groove distance; 0 where both are empty."""
        unmatched = self.reference + self.candidate - 2 * self.matched
        scaled = np.hypot(self.errors[:, 0] / TIME_UNIT, self.errors[:, 1] / VELOCITY_UNIT)
        return float((scaled.sum() + UNMATCHED * unmatched) / max(1, self.matched + unmatched))


def match_hits(reference: Performance, candidate: Performance, tolerance: float = TOLERANCE) -> Match:
    """Match the hits of two performances."""
    errors: list[NDArray[np.float64]] = [np.empty((0, 2))]
    kinds = [CLASS_OF_LANE[p.hits["lane"]] for p in (reference, candidate)]
    for kind in range(len(CLASSES)):
        ours, theirs = (p.hits[k == kind] for p, k in zip((reference, candidate), kinds, strict=True))
        if not len(ours) or not len(theirs):
            continue
        pairs = np.array(mir_eval.util.match_events(ours["time"], theirs["time"], tolerance), int).reshape(-1, 2)
        found, given = theirs[pairs[:, 1]], ours[pairs[:, 0]]
        errors.append(np.column_stack([found["time"] - given["time"], found["velocity"] - given["velocity"]]))
    joined = np.concatenate(errors)
    return Match(len(joined), len(reference.hits), len(candidate.hits), joined)
