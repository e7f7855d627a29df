"""Features of a hit before it is played: the pattern around it and what was played so far.

A pattern lies on slots of a 24th of a quarter note, which hold sixteenths, triplets and thirty-seconds. An offset is
how much later than its slot a hit sounds, in seconds. Everything here is the same in training, for files and live;
live, the columns that look ahead are left out.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drummers.common.styles import STYLES
from ghostnote.music.articulations import N_LANES, PIECE_OF_LANE, PIECES
from ghostnote.music.performance import Performance

SLOTS: Final = 24
"""Slots per quarter note."""
N_DRUMMERS: Final = 11
"""0 = unknown, 1..10 those of the Groove MIDI Dataset."""
LEVELS: Final = (0.35, 0.75)
"""Velocities that part soft, normal and hard, the three levels a pattern can ask for."""
REACH: Final = 8
"""Sixteenths around a hit of which it is known what is played in them."""
FLAT: Final = 0.02
"""Velocities of an articulation with a standard deviation below this do not distinguish soft and hard."""

_PIECE: Final = np.array(PIECE_OF_LANE)
_N_PIECES: Final = len(PIECES)
_BIN: Final = SLOTS // 4
_BINS_OF_DENSITY: Final = 32
_STEPS: Final = (6, 4, 3)
"""Slots between the notes of sixteenths, sextuplets and thirty-seconds, the grids that a quarter note can be on."""
_COST: Final = (1.0, 2.0, 4.0)
"""By how much better the finer grids must fit."""
_SLACK: Final = 0.12
"""Part of a quarter note by which its first hit may be early."""
_EXACT: Final = 0.005
"""Quarter notes within which a hit counts as exactly on a slot."""


@dataclass(frozen=True)
class Pattern:
    """A quantised pattern: slot and lane of each hit, sorted by both, and the requested level.

    `slot` [n] counts from the first barline, `lane` [n] is 0..21, `level` [n] is 0 for any, 1 soft, 2 normal, 3 hard.
    """

    slot: NDArray[np.int64]
    lane: NDArray[np.int64]
    level: NDArray[np.int64]
    slots_per_bar: int
    bpm: float


@dataclass(frozen=True)
class PlayingStyle:
    """Who plays, and in which style: 0 unknown, else a drummer 1..10 and a style's place in STYLES + 1."""

    drummer: int = 0
    style: int = 0


def slots_per_bar(meter: tuple[int, int]) -> int:
    """Slots of a bar of this meter, at least one."""
    return max(1, round(meter[0] * 4 * SLOTS / meter[1]))


def quantize(beats: NDArray[np.float64]) -> NDArray[np.int64]:
    """Slots of hits at times `beats` [quarter notes].

    Hits that all lie on slots stay there. Else each quarter note is read as sixteenths, or as sextuplets or
    thirty-seconds where these fit clearly better, and its hits go to the nearest of them.
    """
    exact = np.rint(beats * SLOTS)
    if np.all(np.abs(beats - exact / SLOTS) < _EXACT):
        return exact.astype(np.int64)
    quarter = np.floor(beats + _SLACK).astype(np.int64)
    _, group = np.unique(quarter, return_inverse=True)
    inside = (beats - quarter) * SLOTS
    choices = [np.rint(inside / step) * step for step in _STEPS]
    worth = [
        cost * (np.bincount(group, np.square(inside - near)) / np.bincount(group) + 0.1)
        for near, cost in zip(choices, _COST, strict=True)
    ]
    best = np.argmin(worth, axis=0)[group] if len(beats) else group
    return quarter * SLOTS + np.choose(best, choices).astype(np.int64)


def sixteenths(beats: NDArray[np.float64]) -> NDArray[np.int64]:
    """Slots of the nearest sixteenths of hits at times `beats` [quarter notes]: swing becomes an offset."""
    return (np.maximum(0, np.rint(beats * 4)) * _BIN).astype(np.int64)


def pattern_of(
    performance: Performance, grid: Callable[[NDArray[np.float64]], NDArray[np.int64]] = quantize
) -> tuple[Pattern, NDArray[np.int64]]:
    """The pattern that a performance plays, for any level, and the number of each of its hits in `performance.hits`."""
    hits = performance.hits
    slot = grid(hits["time"] * performance.bpm / 60)
    lane = hits["lane"].astype(np.int64)
    order = np.lexsort((hits["time"], lane, slot))
    nothing = np.zeros(len(hits), np.int64)
    return Pattern(slot[order], lane[order], nothing, slots_per_bar(performance.meter), performance.bpm), order


def levels_of(lane: NDArray[np.int64], velocity: NDArray[np.floating]) -> NDArray[np.int64]:
    """The levels that written velocities request: none (0) for the hits of pieces that always have the same velocity.

    That is decided within each articulation: open hats that are all a little louder than closed ones request nothing.
    """
    level = level_of(velocity)
    varied = [one for one in np.unique(lane) if velocity[lane == one].std() >= FLAT]
    level[~np.isin(_PIECE[lane], _PIECE[varied])] = 0
    return level


def level_of(velocity: NDArray[np.floating]) -> NDArray[np.int64]:
    """The level 1..3 of velocities."""
    return np.digitize(velocity, LEVELS).astype(np.int64) + 1


_WIDTHS: Final = {
    "lane": N_LANES,
    "slot": SLOTS,
    "quarter": 6,
    "bar": 4,
    "level": 4,
    "style": len(STYLES) + 1,
    "drummer": N_DRUMMERS,
    "tempo": 2,
    "twin": 2,
    "here": _N_PIECES,
    "past": REACH * _N_PIECES,
    "density": _N_PIECES,
    "gap": 2,
}
_AHEAD_WIDTHS: Final = {
    "here_next": _N_PIECES,
    "next": REACH * _N_PIECES,
    "density_next": _N_PIECES,
    "gap_next": 2,
    "twin_next": 1,
}


def columns(ahead: bool) -> dict[str, slice]:
    """The columns of `context` by name."""
    found: dict[str, slice] = {}
    at = 0
    for name, width in (_WIDTHS | (_AHEAD_WIDTHS if ahead else {})).items():
        found[name] = slice(at, at + width)
        at += width
    return found


def context(pattern: Pattern, feel: PlayingStyle, *, ahead: bool) -> NDArray[np.float32]:
    """Features [n, columns] of the hits of a pattern; without `ahead` a row depends on its hit and those before."""
    slot, lane = pattern.slot, pattern.lane
    n = len(slot)
    inside = slot % pattern.slots_per_bar
    tempo = np.full(n, np.log2(pattern.bpm / 120))
    parts = {
        "lane": _one_hot(lane, N_LANES),
        "slot": _one_hot(inside % SLOTS, SLOTS),
        "quarter": _one_hot(np.minimum(inside // SLOTS, 5), 6),
        "bar": _one_hot(slot // pattern.slots_per_bar % 4, 4),
        "level": _one_hot(pattern.level, 4),
        "style": _one_hot(np.full(n, feel.style), len(STYLES) + 1),
        "drummer": _one_hot(np.full(n, feel.drummer), N_DRUMMERS),
        "tempo": np.stack([tempo, np.square(tempo)], axis=1),
    }
    struck = _one_hot(_PIECE[lane], _N_PIECES)
    parts |= dict(zip(("twin", "here", "past", "density", "gap"), _around(slot, lane, struck), strict=True))
    if ahead:
        # the same, seen from the end
        mirror = _around(-slot[::-1], lane[::-1], struck[::-1])
        twin, here, near, density, gap = (part[::-1] for part in mirror)
        parts |= {"here_next": here, "next": near, "density_next": density, "gap_next": gap, "twin_next": twin[:, :1]}
    return np.concatenate(list(parts.values()), axis=1).astype(np.float32)


def _one_hot(index: NDArray[np.int64], size: int) -> NDArray[np.float32]:
    return np.eye(size, dtype=np.float32)[index]


def _around(
    slot: NDArray[np.int64], lane: NDArray[np.int64], struck: NDArray[np.float32]
) -> tuple[NDArray[np.floating], ...]:
    """What precedes each hit: twins in its slot and a hit of its lane near, pieces in its sixteenth, in those before,
    how dense each piece was in two bars, and how long ago the last hit and the last of its lane were."""
    n = len(slot)
    bins = slot // _BIN
    here = np.zeros((n, _N_PIECES), np.float32)
    twin = np.zeros((n, 2), np.float32)
    for back in range(1, min(n, 12)):
        same_bin = (bins[back:] == bins[:-back])[:, None]
        here[back:] = np.maximum(here[back:], struck[:-back] * same_bin)
        twin[back:, 0] += (slot[back:] == slot[:-back]) & (lane[back:] == lane[:-back])
        twin[back:, 1] += slot[back:] == slot[:-back]
    first = int(bins[0]) - REACH if n else 0
    rows = bins - first
    played = np.zeros((int(rows[-1]) + 1 if n else 1, _N_PIECES), np.float32)
    played[rows] = np.maximum.reduceat(struck, np.flatnonzero(np.diff(rows, prepend=-1)))[_runs(rows)] if n else 0
    near = np.concatenate([played[rows - back] for back in range(1, REACH + 1)], axis=1)
    sums = np.concatenate([np.zeros((1, _N_PIECES), np.float32), np.cumsum(played, axis=0)])
    density = (sums[rows] - sums[np.maximum(0, rows - _BINS_OF_DENSITY)]) / _BINS_OF_DENSITY
    return twin / 2, here, near, density, _gaps(slot, lane)


def _runs(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of the run of equal rows to which each belongs."""
    return np.cumsum(np.diff(rows, prepend=rows[0]) != 0)


def _gaps(slot: NDArray[np.int64], lane: NDArray[np.int64]) -> NDArray[np.float64]:
    """exp(-quarters) since the last hit and since the last hit of the lane; 0 where there was none."""
    gaps = np.zeros((len(slot), 2))
    gaps[1:, 0] = np.exp(-(slot[1:] - slot[:-1]) / SLOTS)
    for one in np.unique(lane):
        mine = np.flatnonzero(lane == one)
        gaps[mine[1:], 1] = np.exp(-(slot[mine[1:]] - slot[mine[:-1]]) / SLOTS)
    return gaps


HISTORY: Final = 34
"""Columns of `History.row`."""
_OFFSET_UNIT: Final = 0.02
_DECAYS: Final = np.array([4.0, 16.0, 64.0])
_NOTHING: Final = (0.0, 0.0, 0.0)


class History:
    """What was played so far: offsets and velocities of the hits that a new one is likely to resemble.

    `loudness` 0..1 replaces the running means of velocity, if given. A network that is fed how loud its own last hits
    were drifts, further than drummers do.
    """

    def __init__(self, loudness: float | None = None) -> None:
        self._loudness = loudness
        self._recent: deque[tuple[float, float, float]] = deque([_NOTHING] * 4, 4)
        self._of_lane: dict[int, tuple[float, float, float]] = {}
        self._of_place: dict[tuple[int, int], tuple[float, float, float]] = {}
        self._of_bar: dict[tuple[int, int], tuple[float, float, float]] = {}
        self._of_piece: dict[int, tuple[float, float]] = {}
        self._slot = -1
        self._in_slot = [0.0, 0.0, 0.0]
        self._sums = np.zeros((4, 3))

    def row(self, slot: int, lane: int, slots_per_bar: int) -> NDArray[np.float32]:
        """Features [34] of a hit to be played now."""
        in_slot = self._in_slot if slot == self._slot else [0.0, 0.0, 0.0]
        count = max(in_slot[2], 1.0)
        loud = self._of_piece.get(PIECE_OF_LANE[lane], (0.0, 0.0))
        weight = np.maximum(self._sums[3], 1e-9)
        means = self._sums[:3] / weight
        spread = np.sqrt(np.maximum(means[1] - np.square(means[0]), 0.0))
        loudness = means[2] if self._loudness is None else np.where(self._sums[3] > 0, self._loudness, 0.0)
        known = min(1.0, self._sums[3, 2] * 2 / _DECAYS[2])
        return np.array(
            [
                *(value for hit in self._recent for value in hit),
                *self._of_lane.get(lane, _NOTHING),
                *self._of_place.get((lane, slot % SLOTS), _NOTHING),
                *self._of_bar.get((lane, slot % slots_per_bar), _NOTHING),
                in_slot[0] / count, in_slot[1] / count,
                loud[0],
                *means[0], *loudness, *spread[1:], loud[1] - loud[0], known,
            ],
            np.float32,
        )  # fmt: skip

    def add(self, slot: int, lane: int, slots_per_bar: int, offset: float, velocity: float) -> None:
        """Remember that a hit was played, with this offset [s] and velocity."""
        late = offset / _OFFSET_UNIT
        hit = (late, velocity, 1.0)
        self._recent.append(hit)
        self._of_lane[lane] = self._of_place[lane, slot % SLOTS] = self._of_bar[lane, slot % slots_per_bar] = hit
        piece = PIECE_OF_LANE[lane]
        mean, _ = self._of_piece.get(piece, (velocity, velocity))
        self._of_piece[piece] = (mean + (velocity - mean) / 8, velocity)
        if slot != self._slot:
            self._slot, self._in_slot = slot, [0.0, 0.0, 0.0]
        self._in_slot = [self._in_slot[0] + late, self._in_slot[1] + velocity, self._in_slot[2] + 1]
        self._sums *= 1 - 1 / _DECAYS
        self._sums += np.array([late, late * late, velocity, 1.0])[:, None] / _DECAYS
