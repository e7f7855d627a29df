"""The drummers' models, loaded at the start; the only module of the server that knows `drummers`."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from drummers.common.model_folder import MODELS_DIR
from drummers.common.styles import STYLES
from drummers.continuation import model as continuation
from drummers.continuation.model import Continuer
from drummers.groovegen import model as groovegen
from drummers.groovegen.model import GrooveGenerator
from drummers.groovegen.prompt import FASTEST, SLOWEST, GrooveRequest, parse
from drummers.humanizer import model as humanizer
from drummers.humanizer.model import Humanizer
from ghostnote.errors import GhostnoteError
from ghostnote.music.performance import Performance
from server.engine.live_feel import FeelModel
from server.grooves.sources import BarHumanizer

log = logging.getLogger(__name__)

Model = TypeVar("Model")

DRUMMERS: Final = 10
"""Number of drummers that the models know; higher numbers become 0, no particular drummer."""


class DrummerModels:
    """The shipped models. A missing or broken one gives a line in the log, and an error when it is needed."""

    def __init__(self, folder: Path = MODELS_DIR) -> None:
        self._faults: dict[str, GhostnoteError] = {}
        self._generator = self._load(groovegen.KIND, GrooveGenerator, folder)
        self._continuer = self._load(continuation.KIND, Continuer, folder)
        self._humanizer = self._load(humanizer.KIND, Humanizer, folder)

    def _load(self, kind: str, make: Callable[[Path], Model], folder: Path) -> Model | None:
        try:
            return make(folder / kind)
        except GhostnoteError as error:
            self._faults[kind] = error
            log.warning("%s", error)
            return None

    def _fault(self, kind: str) -> GhostnoteError:
        return type(self._faults[kind])(str(self._faults[kind]))

    def check(self, action: str) -> None:
        """Raises MissingError or BundleError if the model for a groove command is not available."""
        if action != "stop" and (kind := "continuation" if action == "continue" else "groovegen") in self._faults:
            raise self._fault(kind)

    def parse(self, prompt: str) -> GrooveRequest:
        """The request of a prompt. Raises InputError."""
        return parse(prompt)

    def generate(self, request: GrooveRequest, bpm: float, seed: int) -> Performance:
        """One groove; tempi outside the training range are generated at the nearest one."""
        if self._generator is None:
            raise self._fault(groovegen.KIND)
        return self._generator.generate(replace(request, bpm=min(max(bpm, SLOWEST), FASTEST)), seed)

    def play_on(self, performance: Performance, drummer: int, seed: int) -> Performance:
        """The next bar."""
        if self._continuer is None:
            raise self._fault(continuation.KIND)
        return self._continuer.play_on(performance, 1, drummer=known(drummer), seed=seed)

    def take(self, drummer: int, style: str) -> BarHumanizer | None:
        """A take of a drummer, None without a model."""
        if self._humanizer is None:
            return None
        return self._humanizer.begin(drummer=known(drummer), style=style if style in STYLES else None)

    def live(self, drummer: int, longest: float) -> FeelModel:
        """A drummer for live hits, which are delayed by at most `longest` seconds. Raises without a model."""
        if self._humanizer is None:
            raise self._fault(humanizer.KIND)
        return self._humanizer.live(drummer=known(drummer), longest=longest)


def known(drummer: int) -> int:
    """The number of a bundle's drummer in the models."""
    return drummer if drummer <= DRUMMERS else 0
