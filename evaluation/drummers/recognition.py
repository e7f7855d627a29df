"""What a classifier recognises: accuracy and AUC over loops, with intervals over performances."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from evaluation.bootstrap import Estimate, jackknife_interval, mean_interval

Probabilities = NDArray[np.float64]
Labels = NDArray[np.int64]


def grouped(probabilities: Probabilities, names: Sequence[str], groups: Mapping[str, str]) -> Probabilities:
    """Probabilities of groups of classes, [n, groups in the order of `group_names`]."""
    members = [group_names(groups).index(groups[name]) for name in names]
    return probabilities @ np.eye(len(group_names(groups)))[members]


def group_names(groups: Mapping[str, str]) -> list[str]:
    """Names of the groups, sorted."""
    return sorted(set(groups.values()))


def hits_of(probabilities: Probabilities, labels: Labels) -> NDArray[np.bool_]:
    """Whether the most probable class is the right one, [n]."""
    return probabilities.argmax(1) == labels


def accuracy(probabilities: Probabilities, labels: Labels, performances: Sequence[str]) -> Estimate:
    """Share of loops recognised."""
    return mean_interval(hits_of(probabilities, labels), performances)


def balanced(values: NDArray[np.bool_], performances: Sequence[str], resamples: int = 2000, seed: int = 0) -> Estimate:
    """Mean of `values` with every performance counted once, however many loops it has."""
    names, members = np.unique(np.asarray(performances), return_inverse=True)
    means = np.bincount(members, values) / np.bincount(members)
    return mean_interval(means, names.tolist(), resamples, seed)


def auc(probabilities: Probabilities, labels: Labels, performances: Sequence[str], average: str) -> Estimate:
    """Area under the ROC curve, one class against the rest, `average` "macro" or "micro"; interval by the jackknife.

    Only classes of which there are loops count.
    """
    present = np.unique(labels)
    truth = labels[:, None] == present
    shown = probabilities[:, present]

    def area(rows: NDArray[np.int64]) -> float:
        kept = truth[rows].any(0) & ~truth[rows].all(0)  # a fold may lack the loops of a class
        return float(roc_auc_score(truth[rows][:, kept], shown[rows][:, kept], average=average))

    return jackknife_interval(area, performances)


def majority(train: Labels, test: Labels, performances: Sequence[str]) -> Estimate:
    """Accuracy of always naming the most frequent class of the training loops."""
    return mean_interval(test == np.bincount(train).argmax(), performances)
