"""How close performed patterns are to real ones, as distributions pooled over the takes of a drummer.

Both have the same hits; timing is from the nearest sixteenth. A take that is drawn cannot be the take that was played,
so takes are not compared one by one (`evaluation.drummers.feel` does that): what is compared is how a drummer plays.

* timing, velocity: Wasserstein-1 distance for every drummer and class of hits, weighted by hits;
* profiles: mean absolute difference of the mean timing and velocity at every sixteenth of the bar, by drummer and
  class;
* wandering: mean absolute difference of the autocorrelation of timing and velocity at lags of 1 to 8 hits, by drummer.

A pattern can be played several times: the sums of its renditions are averaged before distances are taken, so that what
is measured is how the player plays, not the chance of one draw.

Intervals are 95 % of the jackknife over takes (`evaluation.bootstrap`). Percentiles of bootstrap resamples lie too
high: takes that are drawn twice are a smaller sample, whose distance is larger. `resampled` computes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.bootstrap import Estimate, jackknifed
from evaluation.drummers.feel import timing
from evaluation.drummers.loops import CLASS_OF_LANE, CLASSES, PER_QUARTER
from ghostnote.music.performance import Performance

RESAMPLES: Final = 4000
LAGS: Final = 9
"""Of autocorrelations: 0 to 8 hits."""
_N: Final = len(CLASSES)
_WIDEST: Final = 130
"""Milliseconds of the timing histograms to either side."""
_PLACES: Final = 16
_SUMS: Final = ("timing", "velocity", "profile", "wandering")

Values = NDArray[np.float64]


@dataclass(frozen=True)
class FeelStatistics:
    """Sums over one take or several ([takes, ...]), from which every distance follows."""

    timing: Values
    """[..., 9 classes, 261] hits by millisecond."""
    velocity: Values
    """[..., 9, 128] hits by MIDI velocity."""
    profile: Values
    """[..., 9, 16, 3] sums of timing [ms] and velocity, and hits, at the sixteenths of the bar."""
    wandering: Values
    """[..., 2, LAGS] sums of products of timing and of velocity with those 0 to 8 hits later, takes centred."""


def feel_of(performance: Performance) -> FeelStatistics:
    """The sums of one take."""
    hits = performance.hits
    kind = CLASS_OF_LANE[hits["lane"]]
    late, loud = timing(performance), hits["velocity"].astype(np.float64)
    step = np.round(hits["time"] * performance.bpm / 60 * PER_QUARTER).astype(np.int64)
    profile = np.zeros((_N, _PLACES, 3))
    np.add.at(profile, (kind, step % _PLACES), np.stack([late, loud, np.ones(len(hits))], axis=1))
    late_bin = np.clip(np.rint(late), -_WIDEST, _WIDEST).astype(np.int64) + _WIDEST
    loud_bin = np.clip(np.rint(loud * 127), 0, 127).astype(np.int64)
    return FeelStatistics(
        _counts(kind, late_bin, 2 * _WIDEST + 1),
        _counts(kind, loud_bin, 128),
        profile,
        np.stack([_products(late), _products(loud)]),
    )


def _counts(kind: NDArray[np.int64], value: NDArray[np.int64], size: int) -> Values:
    return np.bincount(kind * size + value, minlength=_N * size).reshape(_N, size).astype(np.float64)


def _products(values: Values) -> Values:
    centred = values - values.mean() if len(values) else values
    return np.array([centred[: len(centred) - lag] @ centred[lag:] if lag < len(centred) else 0 for lag in range(LAGS)])


def distances(real: FeelStatistics, played: FeelStatistics) -> dict[str, Values]:
    """Every distance of two pooled feels, with the weight of the drummer: name -> [..., 2] of distance and weight."""
    weight = real.timing.sum(axis=(-2, -1))
    found = {
        "timing [ms]": _wasserstein(real.timing, played.timing),
        "velocity": _wasserstein(real.velocity, played.velocity) / 127,
        "timing profile [ms]": _between_means(real.profile, played.profile, 0),
        "velocity profile": _between_means(real.profile, played.profile, 1),
        "timing wandering": _between_correlations(real.wandering[..., 0, :], played.wandering[..., 0, :]),
        "velocity wandering": _between_correlations(real.wandering[..., 1, :], played.wandering[..., 1, :]),
    }
    return {name: np.stack([value, weight], axis=-1) for name, value in found.items()}


def _wasserstein(real: Values, played: Values) -> Values:
    """Mean over classes, weighted by the real hits, in bins."""
    weight = real.sum(axis=-1)
    shapes = [one.cumsum(axis=-1) / np.maximum(one.sum(axis=-1, keepdims=True), 1) for one in (real, played)]
    return (np.abs(shapes[0] - shapes[1]).sum(axis=-1) * weight).sum(axis=-1) / np.maximum(weight.sum(axis=-1), 1)


def _between_means(real: Values, played: Values, column: int) -> Values:
    hits, others = real[..., 2], played[..., 2]
    both = np.where((hits > 0) & (others > 0), hits, 0)
    apart = np.abs(real[..., column] / np.maximum(hits, 1) - played[..., column] / np.maximum(others, 1))
    return (apart * both).sum(axis=(-2, -1)) / np.maximum(both.sum(axis=(-2, -1)), 1)


def _between_correlations(real: Values, played: Values) -> Values:
    ours, theirs = (one[..., 1:] / np.maximum(one[..., :1], 1e-9) for one in (real, played))
    return np.abs(ours - theirs).mean(axis=-1)


def compare(real: Sequence[Performance], played: Sequence[Sequence[Performance]]) -> dict[str, Estimate]:
    """Distances of played takes to real ones of the same patterns, in the same order, with jackknife intervals.

    `played` [takes][renditions]: every pattern played once or more.
    """
    n = len(real)
    values = _distances(real, played, 1.0 - np.eye(n))
    return {name: jackknifed(float(of[0]), of[1:]) for name, of in values.items()}


def difference(
    real: Sequence[Performance], played: Sequence[Sequence[Performance]], others: Sequence[Sequence[Performance]]
) -> dict[str, Estimate]:
    """Distances of `played` minus those of `others`, paired by take, with jackknife intervals: below 0 is nearer."""
    without = 1.0 - np.eye(len(real))
    ours, theirs = (_distances(real, some, without) for some in (played, others))
    gaps = {name: ours[name] - theirs[name] for name in ours}
    return {name: jackknifed(float(gap[0]), gap[1:]) for name, gap in gaps.items()}


def resampled(
    real: Sequence[Performance], played: Sequence[Sequence[Performance]], seed: int = 0
) -> dict[str, Estimate]:
    """The same distances with the 2.5 and 97.5 percentiles of bootstrap resamples of takes."""
    n = len(real)
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    values = _distances(real, played, counts.astype(np.float64))
    bounds = {name: np.percentile(of[1:], (2.5, 97.5)) for name, of in values.items()}
    return {name: Estimate(float(of[0]), float(bounds[name][0]), float(bounds[name][1])) for name, of in values.items()}


def _distances(
    real: Sequence[Performance], played: Sequence[Sequence[Performance]], counts: Values
) -> dict[str, Values]:
    """Mean over drummers, weighted by their hits, of all takes and then of those of each row of `counts` [m, takes]."""
    drummers = np.array([p.drummer for p in real])
    counts = np.concatenate([np.ones((1, len(real))), counts])
    feels = [(feel_of(one), average([feel_of(p) for p in several])) for one, several in zip(real, played, strict=True)]
    found: dict[str, list[Values]] = {}
    for drummer in np.unique(drummers):
        mine = np.flatnonzero(drummers == drummer)
        pooled = [_pool([feels[i][side] for i in mine], counts[:, mine]) for side in (0, 1)]
        for name, value in distances(*pooled).items():
            found.setdefault(name, []).append(value)
    values = {name: np.stack(of) for name, of in found.items()}
    return {name: (of[..., 0] * of[..., 1]).sum(axis=0) / of[..., 1].sum(axis=0) for name, of in values.items()}


def average(feels: Sequence[FeelStatistics]) -> FeelStatistics:
    """The mean sums of the renditions of one pattern."""
    return FeelStatistics(*(np.mean([getattr(feel, name) for feel in feels], axis=0) for name in _SUMS))


def _pool(feels: Sequence[FeelStatistics], counts: Values) -> FeelStatistics:
    """Weighted sums of takes, one for each row of `counts` [resamples, takes]."""
    columns = ([getattr(feel, name) for feel in feels] for name in _SUMS)
    return FeelStatistics(*(np.tensordot(counts, np.stack(column), axes=1) for column in columns))
