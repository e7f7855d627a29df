"""Loops of four bars from the Groove MIDI Dataset for the groove network."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from drummers.common.styles import STYLES
from drummers.common.tokens import encode
from drummers.groovegen.features import (
    BARS,
    MAX_SLOTS_PER_BAR,
    METERS,
    N_LANES,
    N_PAST,
    N_PLACE,
    PIECES,
    SlotLoop,
    conditions,
    loop_of,
    past,
    places,
    planes,
)
from ghostnote.errors import InputError
from ghostnote.music.performance import Performance

SLOTS: Final = BARS * MAX_SLOTS_PER_BAR
SPLICE: Final = 0.3
"""Chance that the last bar of a loop is replaced by a fill of its style."""
KNOB: Final = 0.5
"""Probability that the network is given a loop's density, and its intensity."""
NO_STYLE: Final = 0.08
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoopSource:
    """Bars of one performance."""

    loop: SlotLoop
    performance: Performance
    slots_per_bar: int

    @property
    def bars(self) -> int:
        """Number of bars."""
        return len(self.loop.choice) // self.slots_per_bar

    def part(self, first: int, bars: int) -> SlotLoop:
        """Some of the bars."""
        rows = slice(first * self.slots_per_bar, (first + bars) * self.slots_per_bar)
        return SlotLoop(self.loop.choice[rows], self.loop.offset[rows], self.loop.velocity[rows])


class GrooveBatch(NamedTuple):
    """Loops as arrays.

    past [B, 64, N_PAST], place [B, 64, N_PLACE], conditions [B, C], choice, offset, velocity [B, 64, 9], mask [B, 64],
    and the planes [B, 64, 44] (velocity and offset by lane), the encoder's input.
    """

    past: Tensor
    place: Tensor
    conditions: Tensor
    choice: Tensor
    offset: Tensor
    velocity: Tensor
    mask: Tensor
    planes: Tensor


def sources(performances: Sequence[Performance], kind: str) -> list[LoopSource]:
    """The beats or fills in meters that the network knows; what cannot be used is counted in the log."""
    found: list[LoopSource] = []
    refused = 0
    for performance in performances:
        if performance.kind != kind or not len(performance.hits):
            continue
        if performance.meter not in METERS:
            refused += 1
            continue
        try:
            score = encode(performance)
        except InputError:
            refused += 1
            continue
        found.append(LoopSource(loop_of(score), performance, score.slots))
    _log.info("%d performances (%s), %d of other meters or with hits before the start", len(found), kind, refused)
    return found


class Loops:
    """Draws loops: styles by the root of their performances, performances of a style alike, any bar as the start."""

    def __init__(self, performances: Sequence[Performance], seed: int) -> None:
        self.beats = [source for source in sources(performances, "beat") if source.bars >= BARS]
        self.fills = sources(performances, "fill")
        self.rng: Generator = np.random.default_rng(seed)
        styles = np.array([STYLES.index(source.performance.style) for source in self.beats])
        chance = 1 / np.sqrt(np.bincount(styles, minlength=len(STYLES)))[styles]
        self.chance = chance / chance.sum()
        self._ranks = {style: self._rank(style) for style in STYLES}

    def _rank(self, style: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Sorted densities and intensities of the loops of a style."""
        loops = [
            density_and_loudness(source.part(first, BARS))
            for source in self.beats
            if source.performance.style == style
            for first in range(0, source.bars - BARS + 1, 2)
        ]
        density, intensity = np.array(loops or [(0.0, 0.0)]).T
        return np.sort(density), np.sort(intensity)

    def knobs(self, loop: SlotLoop, style: str) -> tuple[float, float]:
        """Where the loop stands among those of its style: density and intensity, -1..1."""
        values = zip(density_and_loudness(loop), self._ranks[style], strict=True)
        return tuple(2 * float(np.searchsorted(r, v, "left") + np.searchsorted(r, v, "right")) / (2 * len(r)) - 1
                     for v, r in values)  # type: ignore[return-value]  # fmt: skip

    def draw(self, size: int) -> GrooveBatch:
        """A batch for training."""
        rows = [self._one(self.beats[i]) for i in self.rng.choice(len(self.beats), size, p=self.chance)]
        return GrooveBatch(*(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)))

    def _one(self, source: LoopSource) -> tuple[NDArray[np.generic], ...]:
        rng, p, bar = self.rng, source.performance, source.slots_per_bar
        loop = source.part(int(rng.integers(source.bars - BARS + 1)), BARS)
        density, intensity = self.knobs(loop, p.style)
        fills = np.zeros(BARS, bool)
        if rng.uniform() < SPLICE and (fill := self._fill(p)):
            loop, fills[-1] = fill_in(loop, fill, bar, int(rng.integers(fill.bars))), True
        given_knobs = rng.uniform(size=2) < KNOB
        style = {} if rng.uniform() < NO_STYLE else {p.style: 1.0}
        bpm = p.bpm * float(np.exp(rng.normal(0, 0.04)))
        given = conditions(
            style, bpm, p.meter, density if given_knobs[0] else None, intensity if given_knobs[1] else None
        )
        return arrays(loop, bar, fills, given)

    def _fill(self, p: Performance) -> LoopSource | None:
        same = [f for f in self.fills if f.performance.style == p.style and f.performance.meter == p.meter]
        return same[int(self.rng.integers(len(same)))] if same else None


def density_and_loudness(loop: SlotLoop) -> tuple[float, float]:
    """Hits per slot, and mean velocity bin."""
    struck = loop.choice > 0
    return float(struck.sum() / len(struck)), float(loop.velocity[struck].mean()) if struck.any() else 0.0


def fill_in(loop: SlotLoop, fill: LoopSource, slots_per_bar: int, bar: int) -> SlotLoop:
    """The loop with its last bar replaced by a bar of the fill."""
    part = fill.part(bar, 1)
    pairs = ((loop.choice, part.choice), (loop.offset, part.offset), (loop.velocity, part.velocity))
    return SlotLoop(*(np.concatenate([old[:-slots_per_bar], new]) for old, new in pairs))


def arrays(
    loop: SlotLoop, slots_per_bar: int, fills: NDArray[np.bool_], given: NDArray[np.float32]
) -> tuple[NDArray[np.generic], ...]:
    """One row of a `GrooveBatch`."""
    n = len(loop.choice)
    velocity, offset = planes(loop)
    before, encoder_planes = np.zeros((SLOTS, N_PAST), np.float32), np.zeros((SLOTS, 2 * N_LANES), np.float32)
    place, mask = np.zeros((SLOTS, N_PLACE), np.float32), np.zeros(SLOTS, np.float32)
    before[:n], encoder_planes[:n] = past(velocity, offset, slots_per_bar), np.concatenate([velocity, offset], 1)
    place[:n], mask[:n] = places(n, slots_per_bar, fills), 1
    targets: list[NDArray[np.int64]] = []
    for plane in (loop.choice, loop.offset, loop.velocity):
        target = np.zeros((SLOTS, len(PIECES)), np.int64)
        target[:n] = plane
        targets.append(target)
    return before, place, given, *targets, mask, encoder_planes


def all_loops(performances: Sequence[Performance], hop: int = BARS) -> tuple[GrooveBatch, list[str]]:
    """Every loop of the beats, `hop` bars apart, with style, no knobs; and the performance of each."""
    rows: list[tuple[NDArray[np.generic], ...]] = []
    names: list[str] = []
    for source in sources(performances, "beat"):
        p = source.performance
        for first in range(0, source.bars - BARS + 1, hop):
            given = conditions({p.style: 1.0}, p.bpm, p.meter, None, None)
            rows.append(arrays(source.part(first, BARS), source.slots_per_bar, np.zeros(BARS, bool), given))
            names.append(p.name)
    return GrooveBatch(*(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True))), names
