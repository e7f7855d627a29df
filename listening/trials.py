"""The trials of a listening test: which clips, in which order, and what X is. The same seed gives the same test."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from ghostnote.errors import InputError
from listening.clips import find_clips

Mode = Literal["abx", "rate"]
ABX_ANSWERS: Final = ("a", "b")
RATINGS: Final = {"1": "bad", "2": "poor", "3": "fair", "4": "good", "5": "excellent"}
"""The absolute category scale of ITU-T P.800; the mean is the mean opinion score."""


@dataclass(frozen=True)
class Trial:
    """One question.

    `clips` maps what the listener can play to a file: a, b and x in an ABX test, x alone when rating. `truth` is what
    the listener must not know: the one of a, b that x is, or the folder (a, b) that the rated clip comes from.
    """

    name: str
    clips: dict[str, Path]
    truth: str


def answers(mode: Mode) -> tuple[str, ...]:
    """What may be answered."""
    return ABX_ANSWERS if mode == "abx" else tuple(RATINGS)


def paired(a: Path, b: Path) -> tuple[dict[str, tuple[Path, Path]], list[str]]:
    """Files of equal name (without ending) in both folders, and the names that only one of them has.

    Raises InputError when no name is in both.
    """
    ours, theirs = find_clips(a), find_clips(b)
    names = [name for name in ours if name in theirs]
    if not names:
        raise InputError(
            f"{a} and {b} have no file name in common (such as {next(iter(ours))} and {next(iter(theirs))}): "
            "files to be compared must have the same name, or use --mode rate"
        )
    return {name: (ours[name], theirs[name]) for name in names}, sorted(ours.keys() ^ theirs.keys())


def abx_trials(pairs: dict[str, tuple[Path, Path]], count: int, seed: int) -> list[Trial]:
    """`count` trials over the pairs in turn, each round in a new order, X drawn for every trial.

    More trials of the same seed begin with the same ones.
    """
    names = _rounds(list(pairs), count, np.random.default_rng((seed, 0)))
    tosses = np.random.default_rng((seed, 1)).integers(2, size=count)
    trials: list[Trial] = []
    for name, toss in zip(names, tosses, strict=True):
        clips = {"a": pairs[name][0], "b": pairs[name][1]}
        truth = ABX_ANSWERS[toss]
        trials.append(Trial(name, {**clips, "x": clips[truth]}, truth))
    return trials


def rating_trials(a: Path, b: Path, seed: int) -> list[Trial]:
    """Every clip of both folders once, in random order."""
    clips = [(path, folder) for folder, where in (("a", a), ("b", b)) for path in find_clips(where).values()]
    order = np.random.default_rng(seed).permutation(len(clips))
    return [Trial(clips[i][0].stem, {"x": clips[i][0]}, clips[i][1]) for i in order]


def _rounds(names: Sequence[str], count: int, rng: np.random.Generator) -> list[str]:
    order: list[str] = []
    while len(order) < count:
        order += [names[int(i)] for i in rng.permutation(len(names))]
    return order[:count]
