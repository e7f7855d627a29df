"""What the sections of `ghostnote evaluate drummers` share: real drums, classifiers, and what a section finds."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from evaluation.drummers.loops import Loop, cut_all, stack
from evaluation.drummers.report import Claim, Section
from ghostnote.errors import MissingError
from ghostnote.performance import Performance

if TYPE_CHECKING:
    from training.drummers.classifiers import Classifier, Lessons, Panel
    from training.drummers.seed_vae import SeedVae

BARS: Final = 4
COURSE: Final = "8 epochs of every fourth training loop (232 steps of 128, 40 s of a core), not until nothing improves"
"""How long the seed's VAE is trained (`training.drummers.seed_vae.Course`), in words."""
FOLDS: Final = 4
"""Networks of the classifier of styles; each misses another of so many parts of the training performances."""
Model = TypeVar("Model")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Findings:
    """What a section has measured."""

    sections: list[Section]
    claims: list[Claim] = field(default_factory=list[Claim])


def attempt(load: Callable[[], Model]) -> tuple[Model | None, str]:
    """What `load` gives, or None and the paragraph that says what is missing: a model, or its player."""
    try:
        return load(), ""
    except MissingError as error:
        return None, f"\nNot measured: {error}\n"
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("drummers."):
            raise
        return None, f"\nNot measured: there is no {error.name}\n"


@dataclass(frozen=True, eq=False)
class Ground:
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
    def style_classifier(self) -> "Panel":
        """Which of the 18 primary styles a loop is: networks that each missed a part of the training performances."""
        from drummers.styles import STYLES
        from training.drummers.classifiers import Lessons, Panel, dealt

        def missed(part: int) -> Callable[[Lessons], Lessons]:
            return lambda train: train.part(dealt(train, FOLDS) != part)

        members = range(1 if self.quick else FOLDS)
        return Panel([self._classifier("style", STYLES, f"_{part}", missed(part)) for part in members])

    @cached_property
    def drummer_classifier(self) -> "Classifier":
        """Which of the ten drummers plays a loop."""
        names = [f"drummer{number}" for number in range(1, 11)]
        return self._classifier("drummer", names)

    @cached_property
    def seed_vae(self) -> "SeedVae":
        """The seed's conditional VAE."""
        import torch

        from drummers.styles import STYLES
        from training.drummers.seed_vae import Course, conditions, load, save, train_seed_vae

        torch.set_num_threads(1)
        path = self.classifiers / f"seed_vae{'_quick' if self.quick else ''}.safetensors"
        if path.is_file():
            return load(path)

        def lessons(split: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            loops = self.loops(split)[:: 16 if self.quick else 4]  # loops of a take overlap
            labels = np.array([STYLES.index(loop.style) for loop in loops])
            return stack(loops), conditions(labels, np.array([loop.bpm for loop in loops]))

        _log.info("training the seed's VAE")
        trained = train_seed_vae(lessons("train"), lessons("validation"), Course(epochs=1) if self.quick else Course())
        save(trained, path)
        return trained

    def _classifier(
        self, name: str, names: Sequence[str], number: str = "", choose: "Callable[[Lessons], Lessons] | None" = None
    ) -> "Classifier":
        """The classifier of an attribute of loops, trained if need be on what `choose` leaves of the train split."""
        import torch

        from training.drummers.classifiers import Classifier, Lessons, Schooling, train_classifier

        torch.set_num_threads(1)
        path = self.classifiers / f"{name}{number}{'_quick' if self.quick else ''}.safetensors"
        if path.is_file():
            return Classifier.load(path)

        def lessons(loops: Sequence[Loop]) -> Lessons:
            labels = np.array([names.index(getattr(loop, name)) for loop in loops])
            return Lessons(stack(loops), labels, [loop.performance for loop in loops])

        how = Schooling(epochs=3, loops_per_epoch=1024) if self.quick else Schooling()
        _log.info("training the classifier of %ss%s", name, number)
        train = lessons(self.loops("train"))
        chosen = train if choose is None else choose(train)
        trained = train_classifier(chosen, lessons(self.loops("validation")[::2]), names, how)
        trained.save(path)
        return trained
