"""The groove generator: loops from a style, a tempo and knobs, slot by slot, drawn from distributions.

A latent is drawn from the prior that style, tempo, meter and knobs give; between two styles it lies between the two
latents drawn with the same chance. Then every slot is drawn: articulation or silence of each piece, offset, velocity.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from drummers.common.model_folder import load_folder
from drummers.common.tokens import OFFSETS, VELOCITIES, decode, slots_per_bar
from drummers.groovegen.features import (
    FIRST_CHOICE,
    LANE_OF_CHOICE,
    N_CHOICES,
    N_LANES,
    Floats,
    SlotLoop,
    conditions,
    offset_plane,
    places,
    score_of,
    velocity_plane,
)
from drummers.groovegen.prompt import GrooveRequest
from drummers.groovegen.swing import swing_to
from ghostnote.errors import BundleError
from ghostnote.music.articulations import PIECES
from ghostnote.music.performance import HIT, Performance

KIND: Final = "groovegen"
NEVER: Final = -1e9
DENSITY_TILT: Final = 0.6
"""Log odds added to every stroke at full density, besides the network's own condition."""
INTENSITY_TILT: Final = 3.0
"""Log odds added to the hardest against the softest stroke at full intensity, besides the network's own condition."""


@dataclass(frozen=True)
class SamplingSettings:
    """The settings in `model.toml` for drawing loops."""

    temperature: float
    """Temperature of articulations; 1 = as trained."""
    feel_temperature: float
    """Of offsets and velocities."""
    latent: int
    """Its dimensions."""
    spread: float
    """Of latents, in standard deviations of the prior: 1 = the prior as it is."""


class GrooveGenerator:
    """Plays requests with the model in a folder. Raises MissingError or BundleError for one that cannot be used."""

    def __init__(self, folder: Path) -> None:
        model = load_folder(folder, KIND)
        try:
            self.facts = SamplingSettings(**model.facts)  # type: ignore[arg-type]
        except TypeError as error:
            raise BundleError(f"{folder}: its facts do not fit this program: {error}") from error
        self._prior, self._begin, self._step = (model.session(name) for name in ("prior", "begin", "step"))

    def generate(self, request: GrooveRequest, seed: int = 0) -> Performance:
        """The request's groove; the same request and seed give the same groove. Times begin at the first barline."""
        return self.generate_many(request, seed, 1)[0]

    def generate_many(self, request: GrooveRequest, seed: int, count: int) -> list[Performance]:
        """So many different grooves at once, faster than one after the other."""
        rng = np.random.default_rng(seed)
        latent, given = self._latent(request, rng, count)
        return [self._perform(loop, request) for loop in self._play(request, latent, given, rng)]

    def _latent(self, request: GrooveRequest, rng: Generator, count: int) -> tuple[Floats, Floats]:
        """Latents [n, L] and conditions [n, C] for a request."""
        noise = rng.standard_normal((count, self.facts.latent)).astype(np.float32)
        latent = np.zeros_like(noise)
        for style, weight in request.styles.items():
            mean, log_var = _run(self._prior, conditions=self._given({style: 1.0}, request))
            latent += weight * (mean + self.facts.spread * np.exp(0.5 * log_var) * noise)
        return latent, np.repeat(self._given(request.styles, request), count, 0)

    @staticmethod
    def _given(styles: dict[str, float], request: GrooveRequest) -> Floats:
        return conditions(styles, request.bpm, request.meter, request.density, request.intensity)[None]

    def _play(self, request: GrooveRequest, latent: Floats, conditions: Floats, rng: Generator) -> list[SlotLoop]:
        """Draw every slot of every candidate."""
        count, bar = len(latent), slots_per_bar(request.meter)
        total = request.bars * bar
        fills = np.zeros(request.bars, bool)
        fills[-1] = request.fill
        place = places(total, bar, fills)
        bias = np.where(LANE_OF_CHOICE < 0, 0, DENSITY_TILT * (request.density or 0.0)).astype(np.float32)
        bias[np.isin(LANE_OF_CHOICE, list(request.without))] = NEVER
        tilt = np.zeros(OFFSETS + VELOCITIES, np.float32)
        tilt[OFFSETS:] = (request.intensity or 0.0) * INTENSITY_TILT * np.linspace(-0.5, 0.5, VELOCITIES)
        given, state = _run(self._begin, latent=latent, conditions=conditions)
        velocity, offset = (np.zeros((total + bar + 1, count, N_LANES), np.float32) for _ in range(2))
        played = np.zeros((3, total, count, len(PIECES)), np.int8)
        rows = np.arange(count)[:, None]
        first = np.array(FIRST_CHOICE[:-1])
        for slot in range(total):
            at = slot + bar  # a bar of silence precedes the first slot
            before = [velocity[at - 1], velocity[slot], velocity[slot + 1], offset[slot]]
            choice, bins_of_offset, bins_of_velocity, state = _run(
                self._step,
                past=np.concatenate(before, 1),
                place=np.repeat(place[slot : slot + 1], count, 0),
                conditions=conditions,
                given=given,
                state=state,
                bias=bias,
                toss=self.facts.temperature * _gumbel(rng, (count, N_CHOICES)),
                feel_toss=tilt + self.facts.feel_temperature * _gumbel(rng, (count, len(PIECES), OFFSETS + VELOCITIES)),
            )
            lane, struck = LANE_OF_CHOICE[first + choice], choice > 0
            row = np.broadcast_to(rows, lane.shape)[struck]
            velocity[at, row, lane[struck]] = velocity_plane(bins_of_velocity[struck])
            offset[at, row, lane[struck]] = offset_plane(bins_of_offset[struck])
            played[:, slot] = choice, bins_of_offset * struck, bins_of_velocity * struck
        return [SlotLoop(*played[:, :, i]) for i in range(count)]

    @staticmethod
    def _perform(loop: SlotLoop, request: GrooveRequest) -> Performance:
        style = max(request.styles, key=lambda style: request.styles[style])
        like = Performance(np.empty(0, HIT), bpm=request.bpm, meter=request.meter, style=style, name=request.name)
        performance = decode(score_of(loop, slots_per_bar(request.meter)), like)
        if request.swing is None:
            return performance
        return replace(performance, **swing_to(performance, request.swing, request.swing_note))


def _gumbel(rng: Generator, shape: tuple[int, ...]) -> Floats:
    return rng.gumbel(size=shape).astype(np.float32)


def _run(session: InferenceSession, **inputs: NDArray[np.generic]) -> list[NDArray[Any]]:
    return session.run(None, inputs)  # type: ignore[return-value]
