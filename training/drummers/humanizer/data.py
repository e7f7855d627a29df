"""The hits of performances as examples for the humaniser."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drummers.common.styles import STYLES
from drummers.humanizer.bins import offset_class, velocity_class
from drummers.humanizer.features import (
    N_DRUMMERS,
    SLOTS,
    History,
    Pattern,
    PlayingStyle,
    columns,
    context,
    level_of,
    pattern_of,
    quantize,
    sixteenths,
)
from ghostnote.music.performance import Performance


class Examples(NamedTuple):
    """One row per hit: context (16-bit), history, offset [s], classes of offset and velocity, level 1..3 as played."""

    context: Tensor
    history: Tensor
    offset: Tensor
    targets: Tensor
    level: Tensor


def feel_of(performance: Performance) -> PlayingStyle:
    """Drummer and style of a performance of the Groove MIDI Dataset."""
    style = STYLES.index(performance.style) + 1 if performance.style in STYLES else 0
    return PlayingStyle(int(performance.drummer.removeprefix("drummer") or 0), style)


Grid = Callable[[NDArray[np.float64]], NDArray[np.int64]]


def played(performance: Performance, grid: Grid) -> tuple[Pattern, NDArray[np.float64], NDArray[np.float32]]:
    """The pattern of a performance on a grid, and offsets [s] and velocities of its hits in the pattern's order."""
    pattern, order = pattern_of(performance, grid)
    hits = performance.hits[order]
    offset = np.asarray(hits["time"] - pattern.slot * (60 / performance.bpm / SLOTS), np.float64)
    return pattern, offset, hits["velocity"]


def histories(pattern: Pattern, offset: NDArray[np.float64], velocity: NDArray[np.float32]) -> NDArray[np.float32]:
    """What was played before each hit of a performance [n, HISTORY]."""
    history, bar = History(), pattern.slots_per_bar
    rows: list[NDArray[np.float32]] = []
    hits = zip(pattern.slot.tolist(), pattern.lane.tolist(), offset.tolist(), velocity.tolist(), strict=True)
    for slot, lane, late, loud in hits:
        rows.append(history.row(slot, lane, bar))
        history.add(slot, lane, bar, late, loud)
    return np.stack(rows)


def examples(performances: Sequence[Performance], seed: int = 0) -> Examples:
    """All hits of performances, looking ahead.

    Every other performance, drawn by `seed`, is on the grids that it is played on, the others on sixteenths, as often
    programmed.
    """
    rng = np.random.default_rng(seed)
    parts: list[tuple[NDArray[np.generic], ...]] = []
    for performance in performances:
        if not len(performance.hits):
            continue
        pattern, offset, velocity = played(performance, quantize if rng.random() < 0.5 else sixteenths)
        rows = context(pattern, feel_of(performance), ahead=True).astype(np.float16)
        targets = np.stack([offset_class(offset), velocity_class(velocity)], axis=1)
        history = histories(pattern, offset, velocity)
        parts.append((rows, history, offset.astype(np.float32), targets, level_of(velocity)))
    return Examples(*(torch.from_numpy(np.concatenate(column)) for column in zip(*parts, strict=True)))


def loudness_of(performances: Sequence[Performance]) -> list[tuple[float, float]]:
    """Mean velocity of a beat in 4/4 and its standard deviation among them, of drummer 0 (anybody) to 10.

    A drummer without a beat gets what anybody has.
    """
    beats = [p for p in performances if p.kind == "beat" and p.meter == (4, 4) and len(p.hits)]
    means = np.array([p.hits["velocity"].mean() for p in beats] or [0.5], np.float64)
    who = np.array([feel_of(p).drummer for p in beats] or [0])
    of = [means[who == drummer] if drummer and np.any(who == drummer) else means for drummer in range(N_DRUMMERS)]
    return [(round(float(own.mean()), 4), round(float(own.std()), 4)) for own in of]


def looking(given: Examples, *, ahead: bool) -> Examples:
    """The examples for a network that looks ahead, or does not: the columns that look ahead are the last."""
    width = max(part.stop for part in columns(ahead).values())
    return given._replace(context=given.context[:, :width])


def vary(rows: Tensor, level: Tensor, *, ahead: bool, generator: torch.Generator) -> Tensor:
    """Rows of context in which style and drummer are sometimes unknown, and the level is often given."""
    rows = rows.float()
    at = columns(ahead)
    n = len(rows)
    for name, share in (("style", 0.15), ("drummer", 0.15)):
        hidden = torch.rand(n, generator=generator) < share
        rows[hidden, at[name]] = 0
        rows[hidden, at[name].start] = 1
    given = torch.rand(n, generator=generator) < 0.4
    rows[given, at["level"]] = torch.nn.functional.one_hot(level[given], 4).to(rows.dtype)
    return rows
