"""Loops of a performance as a grid of hits, offsets and velocities (HOV of Gillick et al. 2019), for measuring.

Only quarter-note meters whose bar is a multiple of a sixteenth are cut; times follow the nominal bpm from t = 0, as in
the Groove MIDI Dataset. A hit belongs to its nearest sixteenth, so one played shortly before a loop belongs to it. Of
several hits in a cell the loudest counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ghostnote.music.articulations import ARTICULATIONS
from ghostnote.music.performance import Performance

PER_QUARTER: Final = 4
"""Grid steps in a quarter note."""
CLASSES: Final = (
    "kick",
    "snare",
    "hat_closed",
    "hat_open",
    "tom_low",
    "tom_mid",
    "tom_high",
    "crash",
    "ride",
)
"""The nine classes of GrooVAE; a pedal stroke is a closed hat."""


def _class_of(name: str, piece: str) -> int:
    if piece == "hat":
        return CLASSES.index("hat_open" if name.startswith("hat_open") else "hat_closed")
    return CLASSES.index("crash" if piece.startswith("crash") else piece)


CLASS_OF_LANE: Final = np.array([_class_of(a.name, a.piece) for a in ARTICULATIONS])


@dataclass(frozen=True)
class Loop:
    """Some bars and where they are from."""

    grid: NDArray[np.float32]
    """[steps, 9, 3]: hit 0 or 1, offset in steps -0.5..0.5 (late is positive), velocity 0..1; 0 without a hit."""
    style: str
    drummer: str
    performance: str
    bpm: float

    @property
    def hits(self) -> NDArray[np.bool_]:
        """Which cells are struck, [steps, 9]."""
        return self.grid[..., 0] > 0


def steps_per_bar(meter: tuple[int, int]) -> int:
    """Sixteenths in a bar of that meter."""
    return meter[0] * 4 * PER_QUARTER // meter[1]


def grid_of(performance: Performance, first: int, steps: int) -> NDArray[np.float32]:
    """The grid [steps, 9, 3] from step `first` on."""
    grid = np.zeros((steps, len(CLASSES), 3), np.float32)
    position = performance.hits["time"] * performance.bpm / 60 * PER_QUARTER - first
    step = np.floor(position + 0.5).astype(int)
    inside = (step >= 0) & (step < steps)
    order = np.argsort(performance.hits["velocity"][inside], kind="stable")  # the loudest is written last
    step, position = step[inside][order], position[inside][order]
    kind = CLASS_OF_LANE[performance.hits["lane"][inside][order]]
    grid[step, kind, 0] = 1
    grid[step, kind, 1] = position - step
    grid[step, kind, 2] = performance.hits["velocity"][inside][order]
    return grid


def cut_loops(performance: Performance, bars: int = 4, hop: int = 1) -> list[Loop]:
    """All whole loops of so many bars, `hop` bars apart, that hold a hit; none of a shorter performance."""
    bar = steps_per_bar(performance.meter)
    total = int(performance.duration * performance.bpm / 60 * PER_QUARTER + 1e-6) // bar
    grids = (grid_of(performance, first * bar, bars * bar) for first in range(0, total - bars + 1, hop))
    p = performance
    return [Loop(grid, p.style, p.drummer, p.name, p.bpm) for grid in grids if grid[..., 0].any()]


def cut_all(performances: Sequence[Performance], split: str, bars: int = 4, hop: int = 1) -> list[Loop]:
    """Loops of all 4/4 beats of a split."""
    chosen = (p for p in performances if (p.split, p.kind, p.meter) == (split, "beat", (4, 4)))
    return [loop for performance in chosen for loop in cut_loops(performance, bars, hop)]


def stack(loops: Sequence[Loop]) -> NDArray[np.float32]:
    """Grids of the loops, [loops, steps, 9, 3]."""
    return np.stack([loop.grid for loop in loops])
