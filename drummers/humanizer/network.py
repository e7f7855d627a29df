"""The networks of the humaniser in ONNX: what is drawn for a hit, given the pattern around it and what was played."""

from dataclasses import dataclass
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from drummers.common.model_folder import ModelFolder
from drummers.humanizer.bins import draw, offset_in, velocity_in
from drummers.humanizer.features import HISTORY, N_DRUMMERS, History, Pattern, PlayingStyle, columns, context
from ghostnote.errors import BundleError

PARTS: Final = ("context", "timing", "loudness")
"""The graphs of a network: `context` for a whole pattern, the others hit by hit."""
LOOKS: Final = {"file": True, "live": False}
"""The two networks, and whether they look ahead in the pattern."""


@dataclass(frozen=True)
class Temperature:
    """Softmax temperature: 1 as trained, less: closer to the most likely."""

    offset: float = 1.0
    velocity: float = 1.0


class HitNetwork:
    """One network, "file" or "live". Raises BundleError if the model does not fit this program."""

    def __init__(self, model: ModelFolder, name: str) -> None:
        self.ahead = LOOKS[name]
        self._context, self._timing, self._loudness = (model.session(f"{name}_{part}") for part in PARTS)
        self.temperature = Temperature(*(_temperature(model, part) for part in ("offset", "velocity")))
        self.loudness = _loudness(model)
        """Mean velocity of a take and its standard deviation among takes, of drummer 0 (anybody) to 10."""
        width = self._context.get_inputs()[0].shape[1]
        expected = columns(self.ahead)
        if width != max(part.stop for part in expected.values()):
            raise BundleError(f"{model.path}: {name}_context takes {width} columns, this program has others: update it")
        history_width = self._timing.get_inputs()[1].shape[1]
        if history_width != HISTORY:
            raise BundleError(
                f"{model.path}: {name}_timing takes {history_width} columns of history, this program has {HISTORY}: "
                "update it"
            )

    def history(self, feel: PlayingStyle, rng: np.random.Generator) -> History:
        """Of a new take by a drummer, who plays all of it about as loud; how loud is drawn."""
        mean, deviation = self.loudness[feel.drummer]
        return History(float(np.clip(rng.normal(mean, deviation), 0.0, 1.0)))

    def hidden(self, pattern: Pattern, feel: PlayingStyle, last: int) -> NDArray[np.float32]:
        """States [last, width] of the last hits of a pattern, of which the others are what precedes."""
        rows = context(pattern, feel, ahead=self.ahead)[-last:]
        return cast("NDArray[np.float32]", self._context.run(None, {"rows": rows})[0])

    def play(
        self, hidden: NDArray[np.float32], history: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[float, float]:
        """Offset [s] and velocity drawn for the hit of state `hidden` [width] after `history` [HISTORY]."""
        inputs = {"hidden": hidden[None], "history": history.reshape(1, HISTORY)}
        logits, state = cast("list[NDArray[np.float32]]", self._timing.run(None, inputs))
        offset = offset_in(draw(logits[0], self.temperature.offset, rng), rng)
        inputs = {"state": state, "offset": np.array([offset], np.float32)}
        logits = cast("NDArray[np.float32]", self._loudness.run(None, inputs)[0])
        return offset, velocity_in(draw(logits[0], self.temperature.velocity, rng), rng)


def perform(
    network: HitNetwork, pattern: Pattern, hidden: NDArray[np.float32], history: History, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Offsets [n] [s] and velocities [n] of the hits of a pattern, in order; `history` remembers them."""
    bar = pattern.slots_per_bar
    offsets, velocities = np.empty(len(hidden)), np.empty(len(hidden))
    for i, (slot, lane) in enumerate(zip(pattern.slot.tolist(), pattern.lane.tolist(), strict=True)):
        offsets[i], velocities[i] = network.play(hidden[i], history.row(slot, lane, bar), rng)
        history.add(slot, lane, bar, float(offsets[i]), float(velocities[i]))
    return offsets, velocities


def _temperature(model: ModelFolder, part: str) -> float:
    value = model.facts.get(f"{part}_temperature")
    if not isinstance(value, float) or not 0.1 <= value <= 2:
        raise BundleError(f"{model.path}: {part}_temperature is {value!r}, expected a number from 0.1 to 2")
    return value


def _loudness(model: ModelFolder) -> list[tuple[float, float]]:
    pairs = model.facts.get("loudness")
    try:
        found = [(float(mean), float(deviation)) for mean, deviation in cast("list[tuple[float, float]]", pairs)]
    except (TypeError, ValueError):
        found = []
    if len(found) != N_DRUMMERS or not all(0 <= mean <= 1 and 0 <= deviation <= 1 for mean, deviation in found):
        raise BundleError(f"{model.path}: loudness must list mean and deviation (0..1) of {N_DRUMMERS} drummers")
    return found
