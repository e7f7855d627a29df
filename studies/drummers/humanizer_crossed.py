"""Humaniser over the whole dataset: every take is humanised by a network trained without it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from evaluation.drummers.mechanical import ClassStatistics, habits, jittered, quantised
from evaluation.drummers.pooled import compare, difference
from evaluation.drummers.report import Section
from ghostnote.music.performance import Performance
from studies.drummers.context import Findings, StudyContext, beat_of
from studies.drummers.humanizer import (
    GAPS,
    HUMANISED,
    LONGEST,
    RENDITIONS,
    RealTake,
    Renditions,
    claims,
    opening,
    tabled,
)

if TYPE_CHECKING:
    from drummers.humanizer.model import Humanizer
    from training.drummers.humanizer.train import HumanizerRecipe

FOLDS: Final = 4
"""Parts of all performances, each of which is humanised by a network that learnt the others."""
KIND: Final = "all pooled by drummer, every performance by a network that has not learnt it (decides)"
DECIDES: Final = """\
Of the lines on the humaniser the one over every performance decides. The 57 takes of the test split are too few: the
intervals of the two wanderings are so wide there that they overlap though the humaniser is nearer by value. The
deciding line has eight times as many takes, each humanised by a network that has not learnt it, and holds only if all
six distances are nearer than both baselines, with intervals apart. What it does not show: its four networks are trained
by the recipe of the shipped model but are not the shipped file, and that recipe was chosen on takes of the train and
validation splits, which are among these; the sessions of most takes are known to the networks by other takes
(*Humaniser, every performance*). The lines of the test split stay beside it.
"""
TEXT: Final = f"""\
Like *Humaniser*, but over all takes. All performances of all splits are split into {FOLDS} parts, evenly by drummer and
kind (beat, fill), a set beat whole. For each part a network is trained on the other parts by the recipe of the shipped
model: epochs, sizes, rates, seed and temperatures. Of the other parts, performances of the validation split are for
validation, all others are learnt; the losses of validation are written down and end nothing, as the recipe's epochs are
fixed. The 4/4 beats of the part, their first {LONGEST} bars at most, are quantised and humanised by this network as the
drummer and in the style of the take. What quantised and jitter know (velocities and deviations by class) is from the
beats that the network has learnt. The takes of all parts are then pooled by drummer; distances, renditions
({RENDITIONS}) and intervals (jackknife over takes) are those of *Humaniser*.

These networks are not the shipped file: that one has learnt the train split (239 000 hits), each of these about three
quarters of all performances that are not for validation (198 000 to 204 000 hits). The recipe itself (features, epochs,
temperature) was chosen on takes of the train and validation splits, and test takes had been measured before. Parts,
distances and settings were fixed before any of these numbers was seen.

A take's session, the drummer, kit and day, is not new to its network: nearly every session has takes in all parts. Of
the test split the same holds for 31 of the 57 takes; the other 26 are the set beats, a session of their own. So these
distances say how near new takes of known drummers are, and the jackknife over takes does not hold what takes of a
session have in common. Two takes are the same recording twice (drummer2/session2/7 and 8), in different parts.
"""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fold:
    """A part of all performances."""

    number: int
    labelled_loops: list[Performance]
    """What a network learns that does not know the part: its splits are "train" and "validation"."""
    takes: list[RealTake]
    """The 4/4 beats of the part, their beginnings."""
    habits: ClassStatistics
    """What the baselines know, from the beats that are learnt."""


def humanizer_crossed(context: StudyContext) -> Findings:
    """The pooled distances over all takes."""
    renditions = 1 if context.quick else RENDITIONS
    rows: dict[str, list[list[Performance]]] = {HUMANISED: [], "quantised": [], "jitter": []}
    takes: list[RealTake] = []
    parts = folds(context.performances[:: 16 if context.quick else 1], 2 if context.quick else FOLDS)
    count = sum(len(part.takes) for part in parts)
    for part in parts:
        model = unknowing(part, context.classifiers, quick=context.quick)
        for take in part.takes:
            seeds = range(len(takes), renditions * count, count)
            for row, played in play(model, part, take, seeds).items():
                rows[row].append(played)
            takes.append(take)
        _log.info("part %d: %d takes humanised", part.number, len(part.takes))
    return found([take.real for take in takes], rows)


def folds(performances: Sequence[Performance], count: int) -> list[Fold]:
    """All performances dealt into `count` parts, evenly by drummer and kind, set beats whole."""
    from training.drummers.common.classifiers import LabelledLoops, assign_folds

    kinds = sorted({(p.drummer, p.kind) for p in performances})
    labels = np.array([kinds.index((p.drummer, p.kind)) for p in performances])
    names = [beat_of(p.name) for p in performances]
    part = assign_folds(LabelledLoops(np.empty((len(names), 0), np.float32), labels, names), count).tolist()
    return [_fold(performances, part, number) for number in range(count)]


def _fold(performances: Sequence[Performance], part: Sequence[int], number: int) -> Fold:
    labelled_loops = [
        replace(p, split="validation" if p.split == "validation" else "train")
        for p, own in zip(performances, part, strict=True)
        if own != number
    ]
    of = habits([p for p in labelled_loops if p.split == "train" and p.kind == "beat" and len(p.hits)])
    beats = [
        opening(p)
        for p, own in zip(performances, part, strict=True)
        if own == number and p.kind == "beat" and len(p.hits) and p.meter == (4, 4)
    ]
    return Fold(number, labelled_loops, [RealTake(real, quantised(real, of)) for real in beats], of)


def unknowing(part: Fold, folder: Path, *, quick: bool = False) -> "Humanizer":
    """The humaniser trained without the part, in `folder`; trained and exported if missing."""
    import torch

    from drummers.common.model_folder import MANIFEST
    from drummers.humanizer.model import Humanizer
    from export.drummers.humanizer import export
    from training.drummers.humanizer.train import train

    path = folder / f"humanizer_without_{part.number}{'_quick' if quick else ''}"
    if not (path / MANIFEST).is_file():
        torch.set_num_threads(1)
        train(part.labelled_loops, path / "run", 0.0, _log.info, recipe(quick=quick))
        export(path / "run", path)
    return Humanizer(path)


def recipe(*, quick: bool) -> "HumanizerRecipe":
    """That of the shipped model; quick: an epoch of the beginnings of takes."""
    from training.drummers.humanizer.train import HumanizerRecipe

    return HumanizerRecipe(epochs=1, seconds=20.0) if quick else HumanizerRecipe()


def play(model: "Humanizer", part: Fold, take: RealTake, seeds: Sequence[int]) -> dict[str, list[Performance]]:
    """The pattern of a take as every row plays it, once for each seed; quantised once."""
    style = take.real.style
    return {
        HUMANISED: [model.humanize(take.pattern, drummer=take.number, style=style, seed=seed) for seed in seeds],
        "quantised": [take.pattern],
        "jitter": [jittered(take.pattern, part.habits, seed) for seed in seeds],
    }


def found(real: Sequence[Performance], rows: Mapping[str, Renditions]) -> Findings:
    """Distances of every row, those of the humaniser minus the others', and what decides."""
    pooled = {row: compare(real, played) for row, played in rows.items()}
    gaps = {row: difference(real, rows[HUMANISED], played) for row, played in rows.items() if row != HUMANISED}
    sections = [
        Section(
            "Humaniser, every performance",
            TEXT,
            tabled(pooled, len(real), "Takes of a drummer pooled; mean over drummers."),
        ),
        Section("Humaniser minus baselines, every performance", GAPS, tabled(gaps, len(real), "Paired by take.")),
    ]
    return Findings(sections, [claims(pooled, KIND)])
