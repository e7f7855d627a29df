"""Performances without a feel: quantised, and quantised with random deviations."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evaluation.drummers.feel import timing
from evaluation.drummers.loops import CLASS_OF_LANE, CLASSES, PER_QUARTER
from ghostnote.music.performance import Performance

SOFTEST = 1 / 127


@dataclass(frozen=True)
class ClassStatistics:
    """What drummers do on average, by class [9]: timing [ms] and velocity, mean of the latter, deviations of both."""

    velocity: NDArray[np.float64]
    timing_sd: NDArray[np.float64]
    velocity_sd: NDArray[np.float64]


def habits(performances: Sequence[Performance]) -> ClassStatistics:
    """Over all hits of the performances; classes that nobody strikes take those of all."""
    kind = np.concatenate([CLASS_OF_LANE[p.hits["lane"]] for p in performances])
    late = np.concatenate([timing(p) for p in performances])
    loud = np.concatenate([p.hits["velocity"] for p in performances]).astype(np.float64)
    rows = [kind == k if np.any(kind == k) else np.ones(len(kind), bool) for k in range(len(CLASSES))]
    return ClassStatistics(
        np.array([loud[r].mean() for r in rows]),
        np.array([late[r].std() for r in rows]),
        np.array([loud[r].std() for r in rows]),
    )


def quantised(performance: Performance, of: ClassStatistics) -> Performance:
    """Every hit on its nearest sixteenth, as hard as its class is struck on average; two in one place stay two."""
    hits = performance.hits.copy()
    step = np.maximum(0, np.round(hits["time"] * performance.bpm / 60 * PER_QUARTER))
    hits["time"] = step * 60 / performance.bpm / PER_QUARTER
    hits["velocity"] = of.velocity[CLASS_OF_LANE[hits["lane"]]]
    return replace(performance, hits=hits)


def jittered(pattern: Performance, of: ClassStatistics, seed: int) -> Performance:
    """The quantised pattern with normal deviations as large as drummers' are, each hit for itself."""
    rng = np.random.default_rng(seed)
    hits = pattern.hits.copy()
    kind = CLASS_OF_LANE[hits["lane"]]
    hits["time"] = np.maximum(0, hits["time"] + rng.normal(0, of.timing_sd[kind] / 1000))
    hits["velocity"] = np.clip(rng.normal(hits["velocity"], of.velocity_sd[kind]), SOFTEST, 1)
    return replace(pattern, hits=hits[np.argsort(hits["time"], kind="stable")])
