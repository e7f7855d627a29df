"""Training windows mixed on the fly: a stretch of a performance, or random strokes, on a random kit.

Each window is made from (seed, index) alone, so a resumed training continues with the windows it would have seen. Three
kinds: performances as played, drills - random strokes of all articulations at all velocities, which grooves hardly
contain -, and either of them by one piece alone, which is how the live predictor plays.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch.utils.data import IterableDataset

from ghostnote.music.articulations import N_LANES, PIECES, lanes_of_piece
from ghostnote.music.grid import build_grid
from ghostnote.music.performance import OPENNESS, Performance, make_hits
from sampler.kit import Kit
from sampler.mix import mix

DRUMMERS: Final = 11
"""Drummer ids: 0 unknown, 1..10 those of the Groove MIDI Dataset."""
CONTEXT_SECONDS: Final = 6.0
"""What was played this long before a window still rings in it."""


@dataclass(frozen=True)
class WindowConfig:
    """What windows are made of."""

    rows: int = 188
    """Hops in a window."""
    hop: int = 256
    drill_share: float = 0.3
    solo_share: float = 0.2
    """Share of windows in which one piece plays alone."""
    tail_share: float = 0.15
    """Share of windows whose strokes end early, or before them, so that tails are heard to their end."""


class BatchSource(Protocol):
    """What the loop draws batches from; a batch is a named tuple of tensors with a field `audio` [B, 2, frames]."""

    kits: Sequence[Kit]

    def batch(self, seed: int, first: int, size: int) -> Any:
        """Windows `first` .. `first + size`, made from the seed and their numbers alone."""
        ...


class WindowBatch(NamedTuple):
    """audio [B, 2, rows * hop], grid [B, rows, columns], kit and drummer [B] int64 (drummer 0: unknown)."""

    audio: torch.Tensor
    grid: torch.Tensor
    kit: torch.Tensor
    drummer: torch.Tensor


def drill(rng: Generator, seconds: float, among: Sequence[int] = range(N_LANES)) -> Performance:
    """Random strokes: one to six random lanes, 1-10 strokes a second, all velocities, an open or moving pedal."""
    rate = rng.uniform(1.0, 10.0)
    count = max(1, int(rng.poisson(rate * seconds)))
    lanes = rng.choice(among, size=min(len(among), int(rng.integers(1, 7))), replace=False)
    rows = [
        (float(t), int(rng.choice(lanes)), float(rng.integers(4, 128)) / 127) for t in rng.uniform(0, seconds, count)
    ]
    opened = float(rng.uniform()) if rng.uniform() < 0.5 else 1.0
    openness = np.array([(0.0, opened)], OPENNESS)
    return Performance(make_hits(rows), openness, bpm=float(rng.uniform(60, 200)), duration=seconds)


class WindowSource:
    """Makes windows from performances and kits."""

    def __init__(self, performances: Sequence[Performance], kits: Sequence[Kit], config: WindowConfig) -> None:
        self.performances = [p for p in performances if len(p.hits)]
        self.kits, self.config = kits, config
        length = np.array([p.duration for p in self.performances])
        self._chance = length / length.sum()

    def window(self, seed: int, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32], int, int]:
        """audio [frames, 2], grid [rows, columns], kit index, drummer (1..10, 0 unknown)."""
        rng = np.random.default_rng((seed, index))
        c, rate = self.config, self.kits[0].sample_rate
        kit = int(rng.integers(len(self.kits)))
        seconds = c.rows * c.hop / rate
        drummer = 0
        solo = rng.uniform() < c.solo_share
        if rng.uniform() < c.drill_share:
            among = lanes_of_piece(PIECES[int(rng.integers(len(PIECES)))]) if solo else range(N_LANES)
            take, start = drill(rng, seconds + 2.0, among), int(2.0 * rate) // c.hop
        else:
            whole = self.performances[int(rng.choice(len(self.performances), p=self._chance))]
            at = rng.uniform(-0.1, max(0.0, whole.duration - seconds))
            origin = max(0.0, at - CONTEXT_SECONDS)
            take = whole.between(origin, at + seconds)
            start = max(0, int((at - origin) * rate)) // c.hop
            if solo and take.pieces:
                take = take.only(str(rng.choice(take.pieces)))
            drummer = int(whole.drummer.removeprefix("drummer") or 0) if rng.uniform() < 0.5 else 0
        if rng.uniform() < c.tail_share:
            last = start * c.hop / rate + rng.uniform(-1.0, 0.6) * seconds
            take = replace(take, hits=take.hits[take.hits["time"] < last])
        audio = mix(
            self.kits[kit], take, seed=int(rng.integers(1 << 31)), start=start * c.hop / rate, frames=c.rows * c.hop
        )
        grid = build_grid(take, c.rows, hop=c.hop, sample_rate=rate, start=start)
        return audio, grid, kit, drummer

    def batch(self, seed: int, first: int, size: int) -> WindowBatch:
        """Windows `first` .. `first + size`."""
        audio, grid, kit, drummer = zip(*(self.window(seed, first + i) for i in range(size)), strict=True)
        return WindowBatch(
            torch.from_numpy(np.stack(audio)).transpose(1, 2).contiguous(),
            torch.from_numpy(np.stack(grid)),
            torch.tensor(kit),
            torch.tensor(drummer),
        )


class WindowStream(IterableDataset[Any]):
    """Batches from step `first_step` on, for one rank of `ranks`; endless."""

    def __init__(
        self, source: BatchSource, seed: int, batch: int, first_step: int = 0, rank: int = 0, ranks: int = 1
    ) -> None:
        self.source, self.seed, self.size = source, seed, batch
        self.first_step, self.rank, self.ranks = first_step, rank, ranks

    def __iter__(self) -> Iterator[Any]:
        torch.set_num_threads(1)
        step = self.first_step
        while True:
            yield self.source.batch(self.seed, (step * self.ranks + self.rank) * self.size, self.size)
            step += 1
