"""How well the next bar is foreseen: the protocol of the continuation's hit F1.

From every beat (not fill) of a split, windows of `context` bars and the bar after them follow each other without
overlap, beginning at the performance's first bar; windows whose context's last bar or whose next bar is empty are
left out. A hit is a pair of sixteenth slot and piece (nine pieces; several strokes of a piece in a slot are one hit); a
predicted hit is found if the truth has the piece in that slot (or, with tolerance 1, in a slot at most one away, each
used once). F1 is of the hits of all windows together (micro); an interval resamples performances.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drummers.common.tokens import Score, encode
from ghostnote.music.articulations import PIECE_OF_LANE, PIECES
from ghostnote.music.performance import Performance


@dataclass(frozen=True)
class Item:
    """One question: what comes after `context`?"""

    performance: Performance
    context: Score
    truth: Score
    """One bar."""


class Counts(NamedTuple):
    """Hits that were found, predicted and played."""

    found: int
    predicted: int
    played: int


def items(performances: Sequence[Performance], context: int, most: int | None = None) -> Iterator[Item]:
    """The windows of the performances, at most `most` of each, spread evenly over it."""
    for performance in performances:
        if performance.kind != "beat" or not len(performance.hits):
            continue
        score = encode(performance)
        starts = list(range(0, score.bars - context, context + 1))
        found: list[Item] = []
        for start in starts:
            past, truth = score.part(start, start + context), score.part(start + context, start + context + 1)
            if len(truth.events) and len(past.events) and past.events["bar"][-1] == context - 1:
                found.append(Item(performance, past, truth))
        keep = np.linspace(0, len(found) - 1, min(len(found), most or len(found))).round().astype(int)
        yield from (found[index] for index in keep)


def hit_counts(predicted: Score, truth: Score, tolerance: int = 0) -> Counts:
    """Hits of one-bar scores that match within `tolerance` slots."""
    ours, theirs = _struck(predicted), _struck(truth)
    if not tolerance:
        return Counts(int((ours & theirs).sum()), int(ours.sum()), int(theirs.sum()))
    found = sum(
        _matches(np.flatnonzero(a).tolist(), np.flatnonzero(b).tolist(), tolerance)
        for a, b in zip(ours.T, theirs.T, strict=True)
    )
    return Counts(found, int(ours.sum()), int(theirs.sum()))


def _struck(score: Score) -> NDArray[np.bool_]:
    out = np.zeros((score.slots, len(PIECES)), bool)
    out[score.events["slot"], np.array(PIECE_OF_LANE)[score.events["lane"]]] = True
    return out


def _matches(ours: list[int], theirs: list[int], tolerance: int) -> int:
    """Size of the largest one-to-one matching of two sorted lists of slots."""
    found = i = j = 0
    while i < len(ours) and j < len(theirs):
        if abs(ours[i] - theirs[j]) <= tolerance:
            found, i, j = found + 1, i + 1, j + 1
        elif ours[i] < theirs[j]:
            i += 1
        else:
            j += 1
    return found


@dataclass(frozen=True)
class F1:
    """F1 with a 95 % interval over performances."""

    value: float
    low: float
    high: float
    windows: int


def f1(total: Counts) -> float:
    """Harmonic mean of precision and recall; 0 where nothing was predicted or played."""
    return 2 * total.found / max(1, total.predicted + total.played)


def score_all(
    questions: Sequence[Item], answer: Callable[[Item], Score], tolerance: int = 0, resamples: int = 2000
) -> F1:
    """F1 of `answer` over the questions."""
    return summarise(questions, [hit_counts(answer(item), item.truth, tolerance) for item in questions], resamples)


def summarise(questions: Sequence[Item], counts: Sequence[Counts], resamples: int = 2000) -> F1:
    """F1 of the questions' counts; performances are resampled with seed 0 for the interval."""
    names = np.array([item.performance.name for item in questions])
    groups = np.array([np.array(counts)[names == name].sum(axis=0) for name in np.unique(names)])
    rng = np.random.default_rng(0)
    draws = groups[rng.integers(len(groups), size=(resamples, len(groups)))].sum(axis=1)
    values = 2 * draws[:, 0] / np.maximum(1, draws[:, 1] + draws[:, 2])
    low, high = np.percentile(values, [2.5, 97.5])
    return F1(f1(Counts(*np.array(counts).sum(axis=0).tolist())), float(low), float(high), len(questions))
