"""95 % intervals over whole performances, because windows of one take are not independent: bootstrap and jackknife."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES: Final = 2000


@dataclass(frozen=True)
class Estimate:
    """A value with its interval."""

    value: float
    low: float
    high: float

    def apart(self, other: "Estimate") -> bool:
        """Whether the two intervals do not touch."""
        return self.high < other.low or other.high < self.low


def mean_interval(values: ArrayLike, clusters: Sequence[str], resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """Mean of `values` [n] with the 2.5 and 97.5 percentiles of cluster resamples. NaN values are left out.

    `clusters` [n] names the performance of each value. The same seed draws the same clusters, so intervals of
    several measures over the same windows belong together.
    """
    data = np.asarray(values, np.float64)
    valid = ~np.isnan(data)
    if not valid.any():
        return Estimate(float("nan"), float("nan"), float("nan"))
    names, members = np.unique(np.asarray(clusters), return_inverse=True)
    k = len(names)
    counts = np.random.default_rng(seed).multinomial(k, np.full(k, 1 / k), size=resamples)
    sums = np.bincount(members, np.where(valid, data, 0.0))
    sizes = np.bincount(members, valid.astype(float))
    drawn = counts @ sizes
    means = (counts @ sums)[drawn > 0] / drawn[drawn > 0]
    low, high = np.percentile(means, (2.5, 97.5))
    return Estimate(float(data[valid].mean()), float(low), float(high))


def paired_interval(
    ours: ArrayLike, theirs: ArrayLike, clusters: Sequence[str], resamples: int = RESAMPLES, seed: int = 0
) -> Estimate:
    """Mean of `ours - theirs` over the same windows with its interval; an interval without 0 is a difference."""
    difference = np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)
    return mean_interval(difference, clusters, resamples, seed)


def jackknife_interval(statistic: Callable[[NDArray[np.int64]], float], clusters: Sequence[str]) -> Estimate:
    """Interval of a statistic that is not a mean, such as a Frechet distance, which repeated values would bias.

    `statistic(rows)` is computed from the given row numbers: all of them, and all but those of one cluster at a time.
    The interval is the value +- 1.96 standard errors of the jackknife over clusters (Tukey 1958).
    """
    _, members = np.unique(np.asarray(clusters), return_inverse=True)
    value = statistic(np.arange(len(members)))
    k = int(members.max()) + 1
    if k < 2:
        return Estimate(value, float("nan"), float("nan"))
    return jackknifed(value, np.array([statistic(np.flatnonzero(members != cluster)) for cluster in range(k)]))


def jackknifed(value: float, without: NDArray[np.float64]) -> Estimate:
    """The interval of `jackknife_interval`, from the values without each of the clusters."""
    k = len(without)
    reach = 1.96 * float(np.sqrt((k - 1) / k * np.sum(np.square(without - without.mean()))))
    return Estimate(value, value - reach, value + reach)
