"""The input of the continuation network: the tokens of a sequence, and what earlier bars had in the same place.

A sequence is four words (style, drummer, tempo, meter), then for each bar a barline and its hits.
"""

from dataclasses import dataclass
from math import log2
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drummers.common.styles import STYLES
from drummers.common.tokens import EVENT, MAX_SLOTS, OFFSETS, VELOCITIES, Score
from ghostnote.music.articulations import N_LANES

N_DRUMMERS: Final = 11
N_TEMPI: Final = 16
_DRUMMER: Final = 1 + len(STYLES)
_TEMPO: Final = _DRUMMER + N_DRUMMERS
_METER: Final = _TEMPO + N_TEMPI
BAR: Final = _METER + MAX_SLOTS + 1
HIT_WORD: Final = BAR + 1
N_WORDS: Final = HIT_WORD + 1
END: Final = MAX_SLOTS
"""The shift that ends a bar; 0..23 are slots onward."""
MEMORY: Final = 4
"""Bars that a sequence remembers."""
LOOK: Final = 16
"""Slots from the current one on for which the echo holds what earlier bars had."""
NEAR: Final = 5
"""Values of `near`: velocity one and two bars ago, share of the bars before that struck, offset one and two ago."""
FIELDS: Final = ("word", "lane", "velocity", "offset", "slot", "bars")
"""Integer inputs of a position, in order; `lane`, `velocity` and `offset` are one past their last where none is."""


@dataclass(frozen=True)
class Condition:
    """Under which conditions is played: style 0 (unknown) or 1 + index in STYLES, drummer 0 (unknown) .. 10."""

    style: int
    drummer: int
    bpm: float

    def words(self, slots: int) -> list[int]:
        """The four words that begin a sequence with bars of `slots` slots."""
        tempo = int(np.clip(round(6 * log2(self.bpm / 50)), 0, N_TEMPI - 1))
        return [self.style, _DRUMMER + self.drummer, _TEMPO + tempo, _METER + slots]


class SlotTimeline:
    """Velocity (0 = no hit) and offset (-1..1) of every slot and lane, filled as bars are played.

    Several copies may play on differently from the same past. Of several strokes of a lane in a slot the hardest
    counts. Before the first bar lie `MEMORY` silent ones.
    """

    def __init__(self, slots: int, bars: int, copies: int = 1) -> None:
        self.slots = slots
        self._velocity = np.zeros((copies, (MEMORY + bars) * slots, N_LANES), np.float32)
        self._offset = np.zeros_like(self._velocity)

    def add(self, events: NDArray[np.void], copy: int | None = None) -> None:
        """Add hits (dtype EVENT) to one copy, None: to all."""
        which = slice(None) if copy is None else copy
        at = self._ago(events["bar"].astype(np.int64) * self.slots + events["slot"], 0)
        order = np.argsort(events["velocity"], kind="stable")
        at, events = at[order], events[order]
        self._velocity[which, at, events["lane"]] = (events["velocity"] + 1) / VELOCITIES
        self._offset[which, at, events["lane"]] = (events["offset"] - OFFSETS // 2) / (OFFSETS // 2)

    def _ago(self, at: NDArray[np.int64], bars: int) -> NDArray[np.int64]:
        """Rows of the places `bars` bars before the slots `at`."""
        return at + (MEMORY - bars) * self.slots

    def echo(self, at: NDArray[np.int64], copy: NDArray[np.int64] | int = 0) -> NDArray[np.float32]:
        """What came a bar or more before the places `at` (slots since the first bar) and after: [N, 3, LOOK, 22].

        Planes: velocity one and two bars ago, share of the last four bars (as far as there are so many) that struck.
        From a whole bar after `at` on they are 0, so nothing that is yet to be played is in them.
        """
        ahead = at[:, None] + np.arange(min(LOOK, self.slots))
        copies = np.broadcast_to(copy, at.shape)[:, None]
        planes = [self._velocity[copies, self._ago(ahead, bars)] for bars in range(1, MEMORY + 1)]
        share = sum((plane > 0).astype(np.float32) for plane in planes) / self._bars_before(at)[:, None, None]
        out = np.zeros((len(at), 3, LOOK, N_LANES), np.float32)
        out[:, :, : ahead.shape[1]] = np.stack([planes[0], planes[1], share], axis=1)
        return out

    def near(
        self, at: NDArray[np.int64], lane: NDArray[np.int64], copy: NDArray[np.int64] | int = 0
    ) -> NDArray[np.float32]:
        """What earlier bars had at the places `at` in the lanes `lane`: [N, NEAR]."""
        struck = [self._velocity[copy, self._ago(at, bars), lane] for bars in range(1, MEMORY + 1)]
        offset = [self._offset[copy, self._ago(at, bars), lane] for bars in (1, 2)]
        share = sum((row > 0).astype(np.float32) for row in struck) / self._bars_before(at)
        return np.stack([struck[0], struck[1], share, offset[0], offset[1]], axis=1).astype(np.float32)

    def _bars_before(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.clip(at // self.slots, 1, MEMORY)


@dataclass(frozen=True)
class Sequence:
    """Network input of T positions."""

    fields: NDArray[np.int64]
    """[T, 6], columns `FIELDS`."""
    time: NDArray[np.float32]
    """[T], slots since the sequence began."""
    echo: NDArray[np.float32]
    """[T, 3, LOOK, 22]."""


def sequence(score: Score, condition: Condition, timeline: SlotTimeline, next_bar: bool) -> Sequence:
    """The whole score as a sequence; with `next_bar` ended by the barline of the bar that comes after it.

    `timeline` holds the score's hits.
    """
    events = score.events
    lines = np.zeros(score.bars + next_bar, EVENT)
    lines["bar"] = np.arange(len(lines))
    rows = np.concatenate([lines, events])
    is_hit = np.arange(len(rows)) >= len(lines)
    order = np.lexsort((np.arange(len(rows)), is_hit, rows["bar"]))  # barline, then the bar's hits as they are
    rows, is_hit = rows[order], is_hit[order]
    fields = np.concatenate([prefix(condition, score.slots), fields_of(rows, is_hit)])
    at = rows["bar"].astype(np.int64) * score.slots + rows["slot"]
    silent = np.zeros((4, 3, LOOK, N_LANES), np.float32)
    return Sequence(
        fields,
        np.concatenate([np.zeros(4), at]).astype(np.float32),
        np.concatenate([silent, timeline.echo(at)]),
    )


def prefix(condition: Condition, slots: int) -> NDArray[np.int64]:
    """The rows [4, 6] of the words that begin a sequence."""
    rows = np.zeros((4, len(FIELDS)), np.int64)
    rows[:, 0] = condition.words(slots)
    rows[:, 1:4] = N_LANES, VELOCITIES, OFFSETS
    return rows


def fields_of(events: NDArray[np.void], is_hit: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The rows [N, 6] of hits and (where not `is_hit`) barlines."""
    none = (N_LANES, VELOCITIES, OFFSETS)
    hit = [np.where(is_hit, events[name], gap) for name, gap in zip(("lane", "velocity", "offset"), none, strict=True)]
    columns = [np.where(is_hit, HIT_WORD, BAR), *hit, events["slot"], np.minimum(events["bar"], MEMORY)]
    return np.stack(columns, axis=1).astype(np.int64)
