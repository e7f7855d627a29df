"""Which kit is this? A small classifier that says whether a rendering still sounds like the requested kit.

Trained on real audio of performances outside the test split; its accuracy on real audio of the test windows is the
most that a rendering can be expected to reach.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from evaluation.sound.spectra import Audio, Floats, magnitudes, mel_filters, mono
from ghostnote.errors import InputError

FRAME: Final = 2048 / 48000
HOP: Final = 1024 / 48000
BANDS: Final = 40
RANGE: Final = (40.0, 16000.0)
FLOOR: Final = 1e-4
PERCENTILES: Final = (50, 90)


def kit_features(audio: Audio, rate: int) -> Floats:
    """160 numbers of one clip: mean, deviation, median and 90th percentile of each log-mel band over time.

    The clip is first scaled to its loudest frame, so that level has no influence.
    """
    samples = mono(audio)
    size, hop = round(FRAME * rate), round(HOP * rate)
    bands = magnitudes(np.pad(samples, (0, max(0, size - len(samples)))), size, hop) @ filters(rate, size).T
    levels = np.log10(FLOOR + bands / max(float(bands.max()), 1e-9))
    return np.concatenate([levels.mean(axis=0), levels.std(axis=0), *np.percentile(levels, PERCENTILES, axis=0)])


def filters(rate: int, size: int) -> Floats:
    """The mel bands [40, bins] up to 16 kHz."""
    return mel_filters(rate, size, BANDS, RANGE[0], min(RANGE[1], rate / 2))


class KitClassifier:
    """Logistic regression on standardised `kit_features`."""

    def __init__(self, features: Iterable[Floats], kits: Sequence[str]) -> None:
        """Fit to feature vectors and the kit of each; raises InputError with fewer than two kits."""
        if len(set(kits)) < 2:
            raise InputError(f"a kit classifier needs at least two kits, found {sorted(set(kits))}")
        self._model: Any = make_pipeline(StandardScaler(), LogisticRegression(C=3.0, max_iter=2000))
        self._model.fit(np.stack(list(features)), list(kits))

    def predict(self, features: Floats) -> str:
        """The kit that a clip with these features sounds most like."""
        return str(self._model.predict(features[None])[0])
