"""How different loops are from one another and from those that a model was trained on.

The distance of two loops is the Jaccard distance of their hits on the grid: cells that only one strikes / cells that
at least one strikes. 0: the same hits; 1: none in common.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

COPY: Final = 0.1
"""Loops nearer than this share nine tenths of their hits."""


def distances(ours: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Jaccard distances [n, m] of hits [n, steps, 9] and [m, steps, 9]."""
    a, b = (hits.reshape(len(hits), -1).astype(np.float32) for hits in (ours, theirs))
    common = a @ b.T
    union = a.sum(1)[:, None] + b.sum(1) - common
    return 1 - common / np.maximum(union, 1)


def nearest(ours: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distance [n] of every loop to the nearest of the others, whichever bar of its loop that begins on."""
    turns = range(0, ours.shape[1], 16)
    return np.min([distances(np.roll(ours, turn, 1), theirs).min(1) for turn in turns], axis=0)


def spread(hits: NDArray[np.bool_], groups: Sequence[str], sources: Sequence[str]) -> NDArray[np.float32]:
    """Mean distance [n] of every loop to those of its group that are from other sources; NaN if there are none.

    `groups` [n] names what should be compared (a style), `sources` [n] the performance or draw that a loop is from.
    """
    group, source = np.unique(groups, return_inverse=True)[1], np.unique(sources, return_inverse=True)[1]
    compared = (group[:, None] == group) & (source[:, None] != source)
    sums = np.where(compared, distances(hits, hits), 0).sum(1)
    counts = compared.sum(1)
    return np.where(counts, sums / np.maximum(counts, 1), np.nan).astype(np.float32)
