"""Frechet distance between two sets of embeddings, with what is needed to judge it: its sample size.

FAD = |m1 - m2|^2 + trace(S1 + S2 - 2 (S1 S2)^(1/2)) for the means m and covariances S of the sets (Kilgour et al.
2019). A covariance of d dimensions needs many times d vectors, so small sets are first projected onto the principal
axes of both sets together; and since the distance is biased upwards by about 1 / n, it is also extrapolated to
infinitely many vectors (FAD-inf, Chong and Forsyth 2020; Gui et al. 2024), as in the paper. Values depend on the
embedding and on the dimension: compare only within one table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.bootstrap import Estimate, jackknife_interval
from evaluation.sound.spectra import Audio, Floats
from ghostnote.errors import InputError

VECTORS_PER_DIMENSION: Final = 10
MAX_DIMENSION: Final = 64
SIZES: Final = 15
DRAWS: Final = 10
SMALLEST: Final = 128
LARGEST: Final = 5000


@dataclass(frozen=True)
class Fad:
    """A distance and what it rests on."""

    whole: Estimate
    """Distance of the whole sets with its 95 % interval over performances."""
    infinite: float
    """Extrapolated to infinitely many rendered vectors; can be below 0 for sets that agree. Noisier than `whole`."""
    vectors: int
    """Vectors in each set."""
    dimension: int


def frechet(reference: Audio, rendered: Audio) -> float:
    """Frechet distance of the Gaussians fitted to two sets of vectors [n, d] and [m, d], n and m at least 2, >= 0."""
    if min(len(reference), len(rendered)) < 2:
        raise InputError(f"a Frechet distance needs 2 vectors a side, found {len(reference)} and {len(rendered)}")
    shift = reference.mean(axis=0) - rendered.mean(axis=0)
    ours, theirs = centred_factor(reference), centred_factor(rendered)
    # trace((S1 S2)^(1/2)) is the sum of the singular values of F1 F2^T where S = F^T F.
    overlap = np.linalg.svd(ours @ theirs.T, compute_uv=False).sum()
    spread = np.square(ours).sum() + np.square(theirs).sum()
    return float(max(0.0, shift @ shift + spread - 2 * overlap))


def centred_factor(vectors: Audio) -> Floats:
    """F [min(n, d), d] with F^T F = the covariance (n - 1) of vectors [n, d]."""
    factor = (vectors - vectors.mean(axis=0)) / np.sqrt(len(vectors) - 1)
    return np.asarray(np.linalg.qr(factor, mode="r"), np.float64)


def common_axes(reference: Audio, rendered: Audio, dimension: int) -> Floats:
    """First principal axes [d, dimension] of both sets together, so that no side's deviation is projected away."""
    both = np.concatenate([reference, rendered])
    return np.linalg.eigh(np.cov(both, rowvar=False))[1][:, ::-1][:, :dimension]


def dimension_for(vectors: int, available: int) -> int:
    """Dimension of the projection: a tenth of the vectors, at most 64 and at most what is available, at least 1."""
    return max(1, min(available, MAX_DIMENSION, vectors // VECTORS_PER_DIMENSION))


def extrapolated(reference: Audio, rendered: Audio, seed: int = 0) -> float:
    """FAD-inf: intercept at 1 / n -> 0 of the distances of draws of n rendered vectors, with replacement, 15 sizes.

    n runs evenly from 128 (or a quarter of the set where that is smaller) to all vectors, at most 5000. Each size is
    drawn 10 times (the paper: once), which leaves the expected value as it is and the noise at a third.
    """
    count = min(LARGEST, len(rendered))
    sizes = np.linspace(max(2, min(SMALLEST, count // 4)), count, SIZES).astype(int)
    random = np.random.default_rng(seed)
    sizes = np.repeat(sizes, DRAWS)
    distances = [frechet(reference, rendered[random.integers(len(rendered), size=n)]) for n in sizes.tolist()]
    return float(np.polyfit(1 / sizes, distances, 1)[1])


def measure_fad(reference: NDArray[np.floating], rendered: NDArray[np.floating], performances: Sequence[str]) -> Fad:
    """Distance of paired vectors [n, d] (the same windows in the same order); `performances` [n] names their takes.

    The interval leaves out performances on both sides at once, so that the choice of music does not count as distance.
    """
    if len(reference) != len(rendered) or len(reference) != len(performances):
        raise InputError(
            f"FAD needs vectors of the same windows: found {len(reference)} of the reference, {len(rendered)} rendered "
            f"and {len(performances)} names"
        )
    dimension = dimension_for(len(reference), reference.shape[1])
    axes = common_axes(reference, rendered, dimension)
    ours, theirs = np.asarray(reference, np.float64) @ axes, np.asarray(rendered, np.float64) @ axes
    whole = jackknife_interval(lambda rows: frechet(ours[rows], theirs[rows]), performances)
    return Fad(whole, extrapolated(ours, theirs), len(ours), dimension)
