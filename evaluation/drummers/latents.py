"""A linear probe of latents: whether the style can be read from the latent of a groove."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from evaluation.bootstrap import Estimate, mean_interval

Latents = NDArray[np.float32]


def linear_probe(
    train: tuple[Latents, NDArray[np.int64]], test: tuple[Latents, NDArray[np.int64]], performances: Sequence[str]
) -> Estimate:
    """Accuracy on `test` of a linear SVM (one class against the rest, C = 0.01, standardised) trained on `train`.

    Both are (latents [n, d], labels [n]); `performances` [n] are those of the test loops.
    """
    probe = make_pipeline(StandardScaler(), LinearSVC(C=0.01, max_iter=2000))
    probe.fit(*train)
    return mean_interval(probe.predict(test[0]) == test[1], performances)
