"""Tree classifiers of loops: a second kind beside the networks, which makes different errors.

Extremely randomised trees (Geurts et al. 2006) on what can be counted in a loop: how often, how hard and how late each
class is struck at every sixteenth of the bar, and how much the bars differ. Nothing is kept in files: they grow in
seconds, and the same loops give the same trees.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier

from training.drummers.common.classifiers import LabelledLoops, sampling

TREES: Final = 300
SMALLEST: Final = 2
"""Loops in a leaf, at least."""
SHARE: Final = 0.15
"""Of the features, among which each branch chooses."""
PER_PERFORMANCE: Final = 8
"""Loops of each performance that are used for training, spread over it: overlapping ones add little."""
SOFT: Final = 0.35
HARD: Final = 0.6
"""Velocities below and above which a stroke is a ghost note or an accent."""
Floats = NDArray[np.float32]


def features(grids: NDArray[np.float32]) -> Floats:
    """What is counted in loops [n, steps, 9, 3] of whole 4/4 bars: [n, features]."""
    n, _, kinds, _ = grids.shape
    bars = grids.reshape(n, -1, 16, kinds, 3)
    hits, late, loud = bars[..., 0], bars[..., 1] * bars[..., 0], bars[..., 2]
    by_place = np.maximum(hits.sum(1), 1)
    by_kind = np.maximum(hits.sum((1, 2)), 1)
    mean_loud = loud.sum((1, 2)) / by_kind
    in_beat = hits.reshape(n, -1, 4, 4, kinds)
    parts = [
        hits.mean(1),
        loud.mean(1),
        late.sum(1) / by_place,
        ((loud > HARD) & (hits > 0)).mean(1),
        ((loud < SOFT) & (hits > 0)).mean(1),
        in_beat.mean((1, 2)),
        late.reshape(in_beat.shape).sum((1, 2)) / np.maximum(in_beat.sum((1, 2)), 1),
        hits.mean((1, 2)),
        mean_loud,
        np.sqrt(np.maximum(0, np.square(loud).sum((1, 2)) / by_kind - np.square(mean_loud))),
        late.sum((1, 2)) / by_kind,
        np.abs(np.diff(hits, axis=1)).mean((1, 2)),
        np.abs(hits[:, :, :8] - hits[:, :, 8:]).mean((1, 2)),
    ]
    return np.concatenate([part.reshape(n, -1) for part in parts], 1).astype(np.float32)


class TreeClassifier:
    """Grown trees and the names of their classes."""

    def __init__(self, trees: ExtraTreesClassifier, names: Sequence[str]) -> None:
        self._trees, self.names = trees, tuple(names)

    def probabilities(self, grids: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of every class for every loop, [n, classes]; 0 for a class of which nothing was learnt."""
        found = np.zeros((len(grids), len(self.names)))
        found[:, self._trees.classes_] = self._trees.predict_proba(features(grids))
        return found


def train_trees(train: LabelledLoops, names: Sequence[str], seed: int = 0) -> TreeClassifier:
    """Trees that learnt `train`; performances and classes count as for the networks (`sampling`)."""
    rows = spread_rows(train.performances, PER_PERFORMANCE)
    chosen = train.part(np.isin(np.arange(len(train.labels)), rows))
    weight = sampling(chosen)
    size: dict[str, Any] = {"min_samples_leaf": SMALLEST, "max_features": SHARE}  # its stubs know fewer types than it
    trees = ExtraTreesClassifier(TREES, random_state=seed, **size)
    trees.fit(features(chosen.grids), chosen.labels, weight * len(weight))
    return TreeClassifier(trees, names)


def spread_rows(performances: Sequence[str], most: int) -> NDArray[np.int64]:
    """Numbers of at most so many loops of every performance, spread evenly over it, sorted."""
    names = np.asarray(performances)
    parts = [np.flatnonzero(names == name) for name in np.unique(names)]
    return np.sort(
        np.concatenate([of[np.linspace(0, len(of) - 1, min(most, len(of))).round().astype(int)] for of in parts])
    )
