"""The paper's training windows (SEEDS 1.1): 4 beats at the nominal tempo from the start of a take on, random kits.

Each window starts from its own audio slice, so what rang before is in the sound but not in the paper's grid. Windows
without a hit are left out, as is the short last one. Made from (seed, index) alone; nothing is stored.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ghostnote.errors import InputError
from ghostnote.music.grid import build_grid
from ghostnote.music.paper_grid import beat_positions, paper_grid, window_seconds
from ghostnote.music.performance import Performance
from sampler.kit import Kit
from sampler.mix import mix

CONTEXT_SECONDS: Final = 6.0
"""What was played this long before a window still rings in it."""


class PaperBatch(NamedTuple):
    """Windows of different lengths, padded at the end to the longest.

    audio [B, 2, T * hop], grid [B, T, columns], beat [B, T] int64, bpm [B], kit and drummer (from 1, 0 unknown)
    [B] int64, rows [B] int64: each window's own length.
    """

    audio: Tensor
    grid: Tensor
    beat: Tensor
    bpm: Tensor
    kit: Tensor
    drummer: Tensor
    rows: Tensor


def paper_windows(performance: Performance) -> list[float]:
    """Starts [s] of all whole 4-beat windows of a take that hold a hit."""
    length = window_seconds(performance.bpm)
    count = int(np.floor((performance.duration - length) / length + 1e-9)) + 1
    times = performance.hits["time"]
    starts = [k * length for k in range(max(0, count))]
    return [s for s in starts if np.any((times >= s) & (times < s + length))]


def drummer_id(performance: Performance) -> int:
    """1..10 for those of the Groove MIDI Dataset, 0 unknown."""
    number = performance.drummer.removeprefix("drummer")
    return int(number) if number.isdigit() else 0


def window_grid(
    performance: Performance, start: float, rows: int, *, hop: int, sample_rate: int, grid: str, window_bug: bool
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Grid [rows, columns] of the kind "paper" or "lane-state", and beats [rows], of the window at `start` [s].

    The lane-state grid has rows at whole hops of the take only: its window begins at the nearest.
    """
    seconds = window_seconds(performance.bpm)
    beats = beat_positions(rows, seconds, performance.bpm or 120.0)
    if grid == "paper":
        return paper_grid(performance, start, seconds, rows, window_bug=window_bug), beats
    first = round(start * sample_rate / hop)
    return build_grid(performance, rows, hop=hop, sample_rate=sample_rate, start=first), beats


def row_count(bpm: float, hop: int, sample_rate: int) -> int:
    """Rows of a 4-beat window, the last possibly begun only."""
    return -(-round(window_seconds(bpm) * sample_rate) // hop)


class PaperSource:
    """Makes windows from the `beat` performances and kits."""

    def __init__(
        self, performances: Sequence[Performance], kits: Sequence[Kit], *, hop: int, grid: str, window_bug: bool,
        max_rows: int = 4096,
    ) -> None:  # fmt: skip
        rate = kits[0].sample_rate
        self.kits, self.hop, self.grid, self.window_bug = kits, hop, grid, window_bug
        beats = [p for p in performances if p.kind == "beat" and row_count(p.bpm, hop, rate) <= max_rows]
        self.windows = [(p, start) for p in beats for start in paper_windows(p)]
        if not self.windows:
            raise InputError("no performance of kind beat has a whole 4-beat window with a hit")

    @property
    def sample_rate(self) -> int:
        """Frames per second of the audio."""
        return self.kits[0].sample_rate

    def window(
        self, seed: int, index: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64], float, int, int]:
        """audio [rows * hop, 2], grid [rows, columns], beat [rows], bpm, kit, drummer."""
        rng = np.random.default_rng((seed, index))
        whole, start = self.windows[int(rng.integers(len(self.windows)))]
        kit = int(rng.integers(len(self.kits)))
        rate, hop = self.kits[kit].sample_rate, self.hop
        if self.grid == "lane-state":
            start = round(start * rate / hop) * hop / rate
        rows = row_count(whole.bpm, hop, rate)
        origin = max(0.0, start - CONTEXT_SECONDS)
        take = whole.between(origin, start + rows * hop / rate)
        audio = mix(self.kits[kit], take, seed=int(rng.integers(1 << 31)), start=start - origin, frames=rows * hop)
        grid, beat = window_grid(
            whole, start, rows, hop=hop, sample_rate=rate, grid=self.grid, window_bug=self.window_bug
        )
        return audio, grid, beat, whole.bpm, kit + 1, drummer_id(whole)

    def batch(self, seed: int, first: int, size: int) -> PaperBatch:
        """Windows `first` .. `first + size`."""
        audio, grid, beat, bpm, kit, drummer = zip(*(self.window(seed, first + i) for i in range(size)), strict=True)
        padded = [pad_sequence([torch.from_numpy(x) for x in part], batch_first=True) for part in (audio, grid, beat)]
        return PaperBatch(
            padded[0].transpose(1, 2).contiguous(),
            padded[1],
            padded[2],
            torch.tensor(bpm),
            torch.tensor(kit),
            torch.tensor(drummer),
            torch.tensor([len(g) for g in grid]),
        )
