"""What the training loop draws batches from.

Each window is made from (seed, index) alone, so a resumed training continues with the windows it would have seen.
"""

from collections.abc import Iterator
from typing import Any, Final, Protocol

import torch
from torch.utils.data import IterableDataset

DRUMMERS: Final = 11
"""Drummer ids: 0 unknown, 1..10 those of the Groove MIDI Dataset."""


class BatchSource(Protocol):
    """What the loop draws batches from; a batch is a named tuple of tensors with a field `audio` [B, 2, frames]."""

    @property
    def sample_rate(self) -> int:
        """Frames per second of the audio."""
        ...

    def batch(self, seed: int, first: int, size: int) -> Any:
        """Windows `first` .. `first + size`, made from the seed and their numbers alone."""
        ...


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
