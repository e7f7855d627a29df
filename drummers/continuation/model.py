"""The continuation drummer: a Transformer that continues, bar by bar, from what was just played.

Its input is the last four bars, the style, the drummer and the tempo, and nothing of the song: fills and dynamics
cannot follow what it does not know. For every bar it draws several in parallel and takes the one that agrees best with
the others, so that the groove continues rather than wandering off.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from drummers.common.model_folder import ModelFolder, load_folder
from drummers.common.styles import STYLES
from drummers.common.tokens import OFFSETS, SLOTS_PER_QUARTER, Score, decode, encode, slots_per_bar
from drummers.continuation.features import N_DRUMMERS, Condition
from drummers.continuation.sampler import Floats, Ints, next_bars
from ghostnote.errors import BundleError, InputError
from ghostnote.files.schema import TableError, from_table
from ghostnote.music.performance import Performance

KIND: Final = "continuation"
SLOWEST: Final = 30.0
FASTEST: Final = 300.0
_log = logging.getLogger(__name__)


class OnnxNetwork:
    """`drummers.continuation.sampler.Network` on the three graphs of a model folder."""

    def __init__(self, folder: ModelFolder) -> None:
        self._body, self._lane, self._feel = (folder.session(name) for name in ("body", "lane", "feel"))
        shape = next(entry.shape for entry in self._body.get_inputs() if entry.name == "context")
        self._layers, self._heads, self._size = shape[0], shape[3], shape[5]

    def _nothing(self, batch: int) -> Floats:
        return np.zeros((self._layers, 2, batch, self._heads, 0, self._size), np.float32)

    def read(
        self, fields: Ints, time: Floats, echo: Floats, context: Floats | None, past: Floats | None
    ) -> tuple[Floats, Floats, Floats]:
        """Run the Transformer over new positions."""
        inputs: dict[str, NDArray[Any]] = {"fields": fields, "time": time, "echo": echo}
        inputs["context"] = self._nothing(1) if context is None else context
        inputs["past"] = self._nothing(len(fields)) if past is None else past
        state, shift, present = _run(self._body, inputs)
        return state[:, -1], shift[:, -1], present

    def lane(self, state: Floats, shift: Ints, echo: Floats) -> Floats:
        """Run the lane head."""
        return _run(self._lane, {"state": state, "shift": shift, "echo": echo})[0]

    def feel(self, state: Floats, shift: Ints, lane: Ints, near: Floats) -> tuple[Floats, Floats]:
        """Run the head of offset and velocity."""
        joined = _run(self._feel, {"state": state, "shift": shift, "lane": lane, "near": near})[0]
        return joined[:, :OFFSETS], joined[:, OFFSETS:]


def _run(session: InferenceSession, inputs: Mapping[str, NDArray[Any]]) -> list[Floats]:
    return session.run(None, inputs)  # type: ignore[return-value]


@dataclass(frozen=True)
class ContinuationContext:
    """A performance on slots, and how many bars of it count."""

    score: Score

    @classmethod
    def of(cls, performance: Performance) -> "ContinuationContext":
        """The performance up to its last played bar.

        A stroke on the barline after the last bar (the usual ending) does not begin another bar, unless the
        performance's duration covers that bar. Raises InputError if there is too little to continue from.
        """
        _check(performance)
        score = encode(performance)
        slots = score.slots
        last = score.events["bar"] == score.bars - 1
        bar_seconds = slots * 15 / performance.bpm
        covered = int(performance.duration / bar_seconds + 0.02)
        closing = score.bars > 1 and not score.events["slot"][last].any() and covered < score.bars
        phrase = score.part(0, score.bars - 1) if closing else score
        reach = int(phrase.events["slot"][-1]) + 1 + slots * (phrase.bars - 1) if len(phrase.events) else 0
        if max(reach, slots * min(covered, 1)) < slots / 2 or len(phrase.events) < 2:
            raise InputError(
                f"{_name(performance)} is too short to continue from: {len(phrase.events)} hits within"
                f" {reach / slots:.2f} bars; at least one bar is needed, four are best"
            )
        return cls(phrase)


def _name(performance: Performance) -> str:
    return f"performance '{performance.name}'" if performance.name else "the performance"


def _check(performance: Performance) -> None:
    if not len(performance.hits):
        raise InputError(f"{_name(performance)} has no hits: there is nothing to continue from")
    if not SLOWEST <= performance.bpm <= FASTEST:
        raise InputError(
            f"{_name(performance)} has {performance.bpm:g} bpm: tempi from {SLOWEST:g} to {FASTEST:g} can be continued"
        )
    slots_per_bar(performance.meter)


def bars_played(performance: Performance) -> int:
    """Bars after which `Continuer.play_on` continues. Raises InputError like it."""
    return ContinuationContext.of(performance).score.bars


@dataclass(frozen=True)
class _Facts:
    """What the player needs to know of a model."""

    candidates: int
    """Bars that are drawn at once, of which one is taken."""
    temperature: float
    """Softmax temperature that a user's 1 stands for."""

    def __post_init__(self) -> None:
        if not 1 <= self.candidates <= 64 or not 0 < self.temperature <= 2:
            raise ValueError(f"{self.candidates} candidates at temperature {self.temperature:g} are out of range")


class Continuer:
    """Plays on from performances. Raises BundleError or MissingError for a folder that cannot be used."""

    def __init__(self, folder: Path) -> None:
        model = load_folder(folder, KIND)
        try:
            facts = from_table(_Facts, {key: model.facts[key] for key in model.facts.keys() - {"network"}})
        except TableError as error:
            raise BundleError(f"{folder}: facts: {error}") from error
        self.candidates, self.temperature = facts.candidates, facts.temperature
        self.network = OnnxNetwork(model)

    def play_on(
        self,
        performance: Performance,
        bars: int,
        *,
        style: str | None = None,
        drummer: int = 0,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> Performance:
        """The next `bars` bars (1..): only these, time 0 is the first of them.

        style: one of STYLES, None: that of the performance, unknown if it names none. drummer: 1..10, 0 unknown.
        temperature: 0 the most likely bar, 1 the default, up to 2: freer. The same input gives the same bars.
        Raises InputError for these values out of range, and for a performance without hits, shorter than half a bar,
        in a meter whose bar is not 6 to 24 sixteenths, or outside 30..300 bpm.
        """
        if bars < 1:
            raise InputError(f"cannot continue for {bars} bars: ask for at least one")
        if not 0 <= temperature <= 2:
            raise InputError(f"temperature {temperature:g} is out of range: 0 (likeliest) to 2 (free)")
        condition = condition_for(performance, style, drummer)
        score = ContinuationContext.of(performance).score
        new = next_bars(
            self.network,
            score,
            bars,
            condition,
            count=self.candidates,
            temperature=self.temperature * temperature,
            seed=seed,
        )
        return decode(new, replace(performance, style=_style_name(condition), name=f"{performance.name} continued"))


def condition_for(performance: Performance, style: str | None, drummer: int) -> Condition:
    """The condition of `play_on`'s arguments. Raises InputError for an unknown style or drummer."""
    if not 0 <= drummer < N_DRUMMERS:
        raise InputError(f"no drummer {drummer}: 1 to {N_DRUMMERS - 1}, or 0 for none in particular")
    if style is not None and style not in STYLES:
        raise InputError(f"no style {style!r}: choose one of {', '.join(STYLES)}")
    name = performance.style if style is None else style
    if name not in STYLES:
        _log.info("style %r is not one of the model's: it plays without", name)
        return Condition(0, drummer, performance.bpm)
    return Condition(1 + STYLES.index(name), drummer, performance.bpm)


def _style_name(condition: Condition) -> str:
    return STYLES[condition.style - 1] if condition.style else ""


def followed_by(performance: Performance, new: Performance) -> Performance:
    """The performance up to where `Continuer.play_on` went on, then what it played, as one performance."""
    join = bars_played(performance) * slots_per_bar(performance.meter) * 60 / (performance.bpm * SLOTS_PER_QUARTER)
    until = join - 60 / (performance.bpm * SLOTS_PER_QUARTER) / 2  # from here on hits belong to the next bar
    parts: dict[str, NDArray[np.void]] = {}
    for name in ("hits", "openness", "chokes"):
        old, later = getattr(performance, name), getattr(new, name).copy()
        later["time"] += join
        parts[name] = np.concatenate([old[old["time"] < until], later])
    return replace(performance, **parts, duration=join + new.duration, name=new.name)
