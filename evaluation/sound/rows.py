"""A row of the results: something that renders performances, and what is measured of it, window by window.

Everything is streamed: one window is in memory at a time, of which only scores and embeddings are kept (about 12 kB).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from evaluation.sound.kit_id import KitClassifier, kit_features
from evaluation.sound.metrics import METRICS
from evaluation.sound.onsets import TOLERANCES, agreement, detect_onsets, expected_onsets
from evaluation.sound.spectra import Audio
from evaluation.sound.windows import Window
from ghostnote.errors import InputError
from ghostnote.music.performance import Performance

REFERENCE: Final = "reference"
"""Name of the row that is the reference itself: it shows the best that detector and classifier can give."""


class Render(Protocol):
    """Sound of samples [start, stop) of a performance on a kit: float32 [stop - start, channels].

    What is played before `start` sounds on into the window, as it would in a rendering of the whole performance. Calls
    come kit by kit and, within a kit, performance by performance, so that the last rendering is worth keeping.
    """

    def __call__(self, performance: Performance, kit: str, start: int, stop: int) -> NDArray[np.float32]:
        """Render."""
        ...


CODE_MEASURES: Final = ("nll", "accuracy")
"""Mean negative log-likelihood [nats per code] and share of codes whose likeliest prediction is right."""


class CodeScores(Protocol):
    """`CODE_MEASURES` of the reference's codes of samples [start, stop) of a performance on a kit."""

    def __call__(self, performance: Performance, kit: str, start: int, stop: int) -> Mapping[str, float]:
        """Measure."""
        ...


@dataclass(frozen=True)
class Row:
    """One renderer under test."""

    name: str
    render: Render
    description: str
    """What it is, in one sentence for the reader of the results."""
    codes: "CodeScores | None" = None
    """How well it predicts the codec's codes, if it is a predictor of codes with scores."""
    in_depth: bool = False
    """Whether its dynamics (stroke by stroke) and its window joins are measured, too."""


@dataclass(frozen=True)
class RenderedWindow:
    """One window as it should sound and as it was rendered, both [frames, channels] of one rate."""

    kit: str
    performance: str
    start: int
    reference: Audio
    rendered: Audio
    hits: NDArray[np.void]
    """The window's hits (dtype HIT), times relative to its start."""


@dataclass(frozen=True)
class WindowScore:
    """What was measured of one clip of one row."""

    row: str
    kit: str
    performance: str
    start: int
    values: Mapping[str, float]
    """Measure -> value; the names are those of results.csv."""
    vectors: NDArray[np.float32]
    """Embeddings of the rendered clip [patches, dimensions]."""


@dataclass(frozen=True)
class AudioModels:
    """The models used for measuring: embedding and kit classifier."""

    embed: Callable[[Audio, int], NDArray[np.float32]]
    """(audio, rate) -> embeddings [patches, dimensions]."""
    kits: KitClassifier


def score_clip(row: str, clip: RenderedWindow, rate: int, models: AudioModels) -> WindowScore:
    """All measures of one clip."""
    values = {name: measure(clip.reference, clip.rendered, rate) for name, measure in METRICS.items()}
    expected, found = expected_onsets(clip.hits), detect_onsets(clip.rendered, rate)
    for tolerance in TOLERANCES:
        match = agreement(expected, found, tolerance)
        suffix = f"{round(tolerance * 1000)}ms"
        values |= {
            f"onset_precision_{suffix}": match.precision,
            f"onset_recall_{suffix}": match.recall,
            f"onset_f1_{suffix}": match.f1,
        }
    values["kit_id"] = float(models.kits.predict(kit_features(clip.rendered, rate)) == clip.kit)
    return WindowScore(row, clip.kit, clip.performance, clip.start, values, models.embed(clip.rendered, rate))


def score_rows(
    rows: Sequence[Row], reference: Render, windows: Mapping[str, Sequence[Window]], rate: int, models: AudioModels
) -> Iterator[WindowScore]:
    """Scores of the reference itself and of every row on the same windows (kit -> windows).

    Yields (rows + 1) scores per window. Raises InputError, naming the row, when it renders something unusable.
    """
    for kit, chosen in windows.items():
        for window in chosen:
            truth = rendered(Row(REFERENCE, reference, ""), window, kit)
            hits = window.hits(rate).hits
            for row in (None, *rows):
                audio = truth if row is None else rendered(row, window, kit)
                clip = RenderedWindow(kit, window.performance.name, window.start, truth, audio, hits)
                score = score_clip(REFERENCE if row is None else row.name, clip, rate, models)
                yield replace(score, values={**score.values, **code_values(row, window, kit)})


def code_values(row: Row | None, window: Window, kit: str) -> Mapping[str, float]:
    """`CODE_MEASURES` of one window, NaN for rows that do not predict codes."""
    if row is None or row.codes is None:
        return dict.fromkeys(CODE_MEASURES, float("nan"))
    return row.codes(window.performance, kit, window.start, window.stop)


def rendered(row: Row, window: Window, kit: str) -> NDArray[np.float32]:
    """The row's audio of one window, checked for length and finiteness."""
    audio = row.render(window.performance, kit, window.start, window.stop)
    if audio.ndim != 2 or len(audio) != window.stop - window.start or not np.isfinite(audio).all():
        raise InputError(
            f"row {row.name} rendered {audio.shape} samples, finite: {bool(np.isfinite(audio).all())}, for "
            f"{window.stop - window.start} frames of {window.performance.name} on {kit}: it must give that many frames"
        )
    return audio


def train_classifier(reference: Render, windows: Mapping[str, Sequence[Window]], rate: int) -> KitClassifier:
    """The kit classifier, trained on the reference's sound of these windows (none of them from the test split)."""
    labelled = [
        (kit_features(reference(w.performance, kit, w.start, w.stop), rate), kit)
        for kit, chosen in windows.items()
        for w in chosen
    ]
    return KitClassifier([features for features, _ in labelled], [kit for _, kit in labelled])
