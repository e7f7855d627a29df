"""Which stretches of which performances are measured: 4 beats at the nominal tempo, the same for every row."""

import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from ghostnote.errors import InputError
from ghostnote.music.performance import Performance

BEATS: Final = 4
CONTEXT: Final = 2.0
"""Least time of the performance before a window [s], so that tails of earlier hits are part of the measurement."""


@dataclass(frozen=True)
class Window:
    """Samples [start, stop) of a performance at the table's rate."""

    performance: Performance
    start: int
    stop: int

    def hits(self, rate: int) -> Performance:
        """The part of the performance inside the window, times relative to its start."""
        return self.performance.between(self.start / rate, self.stop / rate)


def windows_of(performance: Performance, rate: int, context: float = CONTEXT) -> list[Window]:
    """All windows k * 4 beats, k = 0, 1, ..., that lie wholly inside, have a hit and `context` seconds before them."""
    length = BEATS * 60 / performance.bpm
    count = math.floor((performance.duration - length) / length + 1e-9) + 1
    edges = [round(k * length * rate) for k in range(max(0, count) + 1)]
    times = performance.hits["time"]
    return [
        Window(performance, start, stop)
        for start, stop in pairwise(edges)
        if start >= context * rate and np.any((times >= start / rate) & (times < stop / rate))
    ]


def choose_windows(
    performances: Iterable[Performance], kit: str, count: int, rate: int, split: str = "test", context: float = CONTEXT
) -> list[Window]:
    """`count` windows of the split's `beat` performances for one kit, the same at every call.

    Performances are visited in an order shuffled by the kit's name, one window each, again and again until there are
    enough; so few windows still come from many performances, and different kits meet different ones. Windows of one
    performance follow each other in the result. Raises InputError when there are not enough.
    """
    wanted = [p for p in performances if p.split == split and p.kind == "beat"]
    random = np.random.default_rng(zlib.crc32(kit.encode()))
    wanted = [wanted[i] for i in random.permutation(len(wanted))]
    piles = [shuffled(windows_of(p, rate, context), random) for p in wanted]
    layers = max((len(pile) for pile in piles), default=0)
    chosen = [pile[layer] for layer in range(layers) for pile in piles if layer < len(pile)][:count]
    if len(chosen) < count:
        raise InputError(
            f"{count} windows for kit {kit} were requested, the {split} split's beat performances have {len(chosen)}: "
            f"ask for fewer"
        )
    return sorted(chosen, key=lambda w: (w.performance.name, w.start))


def shuffled(windows: Sequence[Window], random: np.random.Generator) -> list[Window]:
    """The windows in random order."""
    return [windows[i] for i in random.permutation(len(windows))]
