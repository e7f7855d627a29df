"""What the sections of `ghostnote evaluate drummers` share: real drums, classifiers, and what a section finds."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from evaluation.drummers.loops import Loop, cut_all, stack
from evaluation.drummers.report import Claim, Section
from ghostnote.errors import MissingError
from ghostnote.music.performance import Performance

if TYPE_CHECKING:
    from training.drummers.common.classifiers import Classifier, ClassifierEnsemble, LabelledLoops, LoopClassifier
    from training.drummers.groovegen.seed_vae import Trained

BARS: Final = 4
SPLITS: Final = ("train", "validation", "test")
FOLDS: Final = 4
"""Networks and forests of the classifier of styles; each misses another part of the training performances."""
CROSSED: Final = 5
"""Parts of all performances, each of which is judged by a classifier that learnt the others."""
Model = TypeVar("Model")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Findings:
    """What a section has measured."""

    sections: list[Section]
    claims: list[Claim] = field(default_factory=list[Claim])


def attempt(load: Callable[[], Model]) -> tuple[Model | None, str]:
    """The result of `load`, or None and a paragraph that names the missing model or module."""
    try:
        return load(), ""
    except MissingError as error:
        return None, f"\nNot measured: {error}\n"
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("drummers."):
            raise
        return None, f"\nNot measured: there is no {error.name}\n"


@dataclass(frozen=True, eq=False)
class StudyContext:
    """The music and the folders of an evaluation."""

    performances: Sequence[Performance]
    models: Path
    classifiers: Path
    out: Path
    quick: bool = False

    @cache  # noqa: B019 - one per program
    def loops(self, split: str) -> list[Loop]:
        """All loops of 4 bars, a bar apart (quick: four), of the 4/4 beats of a split."""
        return cut_all(self.performances, split, BARS, BARS if self.quick else 1)

    def spread_loops(self, split: str, most: int) -> list[Loop]:
        """At most so many loops of every performance, spread evenly over it."""
        of: dict[str, list[Loop]] = {}
        for loop in self.loops(split):
            of.setdefault(loop.performance, []).append(loop)
        return [
            loops[i]
            for loops in of.values()
            for i in np.linspace(0, len(loops) - 1, min(most, len(loops))).round().astype(int)
        ]

    def beats(self, split: str) -> list[Performance]:
        """The beats of a split, whatever their meter."""
        return [p for p in self.performances if p.split == split and p.kind == "beat" and len(p.hits)]

    @cached_property
    def style_classifier(self) -> "ClassifierEnsemble":
        """Which of the 18 primary styles a loop is: classifiers each trained without a part of the data."""
        from drummers.common.styles import STYLES
        from training.drummers.common.classifiers import ClassifierEnsemble, assign_folds

        train = labelled_loops(self.loops("train"), "style", STYLES)
        part = assign_folds(train, FOLDS)
        members = range(1 if self.quick else FOLDS)
        return ClassifierEnsemble(
            [classifier for k in members for classifier in self._style_classifiers(f"_{k}", train.part(part != k), k)]
        )

    @cached_property
    def crossed(self) -> "tuple[dict[str, int], list[ClassifierEnsemble]]":
        """The fold of every performance of all splits, and for each fold a classifier that was trained without it."""
        from drummers.common.styles import STYLES
        from training.drummers.common.classifiers import ClassifierEnsemble, assign_folds

        everything = labelled_loops([loop for split in SPLITS for loop in self.loops(split)], "style", STYLES)
        folds = 2 if self.quick else CROSSED
        part = assign_folds(
            replace(everything, performances=[beat_of(name) for name in everything.performances]), folds
        )
        ensembles = [
            ClassifierEnsemble(self._style_classifiers(f"_without_{k}", everything.part(part != k), k))
            for k in range(folds)
        ]
        return dict(zip(everything.performances, part.tolist(), strict=True)), ensembles

    def _style_classifiers(self, number: str, train: "LabelledLoops", seed: int) -> "list[LoopClassifier]":
        from drummers.common.styles import STYLES
        from training.drummers.common.loop_trees import train_trees

        return [self._classifier(f"style{number}", STYLES, train, seed), train_trees(train, STYLES, seed)]

    @cached_property
    def drummer_classifier(self) -> "Classifier":
        """Which of the ten drummers plays a loop."""
        names = [f"drummer{number}" for number in range(1, 11)]
        return self._classifier("drummer", names, labelled_loops(self.loops("train"), "drummer", names), 0)

    @cached_property
    def seed_vae(self) -> "Trained":
        """The seed's conditional VAE."""
        import torch

        from drummers.common.styles import STYLES
        from training.drummers.groovegen.seed_vae import VaeTraining, conditions, load, save, train_seed_vae

        torch.set_num_threads(1)
        path = self.classifiers / f"seed_vae{'_quick' if self.quick else ''}.safetensors"
        if path.is_file():
            return load(path)

        def training_arrays(split: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            loops = self.loops(split)[:: 4 if self.quick else 1]
            labels = np.array([STYLES.index(loop.style) for loop in loops])
            return stack(loops), conditions(labels, np.array([loop.bpm for loop in loops]))

        _log.info("training the seed's VAE")
        trained = train_seed_vae(
            training_arrays("train"),
            training_arrays("validation"),
            VaeTraining(epochs=1) if self.quick else VaeTraining(),
        )
        save(trained, path)
        return trained

    def _classifier(self, name: str, names: Sequence[str], train: "LabelledLoops", seed: int) -> "Classifier":
        """The network that is kept under this name, trained if need be."""
        import torch

        from training.drummers.common.classifiers import Classifier, ClassifierTraining, train_classifier

        torch.set_num_threads(1)
        path = self.classifiers / f"{name}{'_quick' if self.quick else ''}.safetensors"
        if path.is_file():
            return Classifier.load(path)
        how = (
            ClassifierTraining(epochs=3, loops_per_epoch=1024, seed=seed)
            if self.quick
            else ClassifierTraining(seed=seed)
        )
        _log.info("training the classifier %s", name)
        trained = train_classifier(train, names, how)
        trained.save(path)
        return trained


def beat_of(performance: str) -> str:
    """What is played: the ten beats of "eval_session" are played by several drummers, others are a take's own."""
    return performance.partition("/")[2] if "/eval_session/" in performance else performance


def labelled_loops(loops: Sequence[Loop], name: str, names: Sequence[str]) -> "LabelledLoops":
    """Loops with an attribute of theirs as the label, the number of one of `names`."""
    from training.drummers.common.classifiers import LabelledLoops

    labels = np.array([names.index(getattr(loop, name)) for loop in loops])
    return LabelledLoops(stack(loops), labels, [loop.performance for loop in loops])
