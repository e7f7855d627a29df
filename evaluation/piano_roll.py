"""A performance as a picture: which articulation when, how hard, and how far from the sixteenth."""

from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from ghostnote.music.articulations import ARTICULATIONS
from ghostnote.music.performance import Performance

SLOTS_PER_QUARTER: Final = 4
LATE_MS: Final = 30.0
"""Offsets of this size have the full colour."""


def save_piano_roll(path: Path, performance: Performance, join: float | None = None) -> None:
    """Write a PNG: a row per articulation that is played, time in quarter notes, a dot per hit.

    The dot's area is the velocity, its colour the offset from the nearest sixteenth: blue early, red late. A line
    stands at each barline, and a bold one at `join` [s].
    """
    hits = performance.hits
    beat = hits["time"] * performance.bpm / 60
    late = (beat - np.rint(beat * SLOTS_PER_QUARTER) / SLOTS_PER_QUARTER) * 60_000 / performance.bpm
    lanes = np.unique(hits["lane"])
    length = max(performance.duration * performance.bpm / 60, 1.0)
    bar = performance.meter[0] * 4 / performance.meter[1]
    figure = Figure(figsize=(min(40.0, 2.0 + 0.55 * length), 1.2 + 0.32 * len(lanes)), dpi=110, layout="constrained")
    axes = figure.subplots()
    rows = np.searchsorted(lanes, hits["lane"])
    dots = axes.scatter(
        beat, rows, s=6 + 70 * hits["velocity"], c=late, cmap="coolwarm", vmin=-LATE_MS, vmax=LATE_MS,
        edgecolors="#333333", linewidths=0.4, zorder=3,
    )  # fmt: skip
    axes.set_yticks(range(len(lanes)), [ARTICULATIONS[lane].name for lane in lanes])
    axes.set_xticks(np.arange(0, length + 1e-6, bar), [str(n + 1) for n in range(int((length + 1e-6) / bar) + 1)])
    axes.set_xticks(np.arange(0, length, 1 / SLOTS_PER_QUARTER), minor=True)
    axes.grid(axis="x", which="minor", color="#eeeeee", linewidth=0.5)
    axes.grid(axis="x", which="major", color="#999999", linewidth=0.8)
    if join is not None:
        axes.axvline(join * performance.bpm / 60, color="black", linewidth=2.0)
    axes.set_xlim(-0.25, length + 0.25)
    axes.set_ylim(-0.7, len(lanes) - 0.3)
    axes.set_xlabel("bar")
    axes.set_title(f"{performance.name}, {performance.bpm:g} bpm", fontsize=10)
    figure.colorbar(dots, ax=axes, label="ms late", pad=0.01)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
