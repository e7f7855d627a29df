"""What a continuation model must beat: the last bar again, what most of the last bars hold, what the style plays.

Both work on slots (`drummers.common.tokens.Score`); numpy only.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drummers.common.tokens import EVENT, MAX_SLOTS, OFFSETS, VELOCITIES, Score
from ghostnote.music.articulations import N_LANES, PIECE_OF_LANE, PIECES

_LEAST_BARS: Final = 16
"""Styles of fewer bars (of a bar length) play what all styles play."""
_CENTRE: Final = OFFSETS // 2


def repeat_last_bar(context: Score, bars: int = 1) -> Score:
    """The last bar of `context` `bars` times over, with its timing and velocity."""
    last = context.part(context.bars - 1, context.bars).events
    copies = np.tile(last, bars)
    copies["bar"] = np.repeat(np.arange(bars), len(last))
    return Score(copies, context.slots, bars)


def vote_of_bars(context: Score, votes: int, bars: int = 1) -> Score:
    """`bars` bars of what at least `votes` bars of `context` strike in a slot, by piece; as in the last that does.

    What a piece does in a slot is taken from the last bar that strikes it there: articulations, timing, velocity.
    """
    events = context.events
    piece = np.array(PIECE_OF_LANE)[events["lane"]]
    struck = np.zeros((context.bars, context.slots, len(PIECES)), bool)
    struck[events["bar"], events["slot"], piece] = True
    last = context.bars - 1 - struck[::-1].argmax(0)
    chosen = (struck.sum(0) >= votes)[events["slot"], piece] & (events["bar"] == last[events["slot"], piece])
    voted = np.sort(events[chosen], order=["slot", "lane", "offset"])
    voted["bar"] = 0
    return repeat_last_bar(Score(voted, context.slots, 1), bars)


@dataclass(frozen=True)
class StyleMarginal:
    """How often each slot of a bar has each lane, by style and bar length, and how hard it is struck then.

    `chance` and `velocity`: (style, slots) -> [slots, 22]; style "" holds all styles.
    """

    chance: dict[tuple[str, int], NDArray[np.float64]]
    velocity: dict[tuple[str, int], NDArray[np.float64]]
    threshold: float
    """What is struck more often than this is played."""

    def play(self, style: str, slots: int, bars: int = 1) -> Score:
        """`bars` bars of what is struck more often than the threshold, on the grid, at the mean velocity."""
        key = next((key for key in ((style, slots), ("", slots)) if key in self.chance), None)
        if key is None:  # a bar length that was not seen: as much of the longer one as fits
            key = ("", min((known for _, known in self.chance if known > slots), default=0))
        chance, velocity = (
            (table[key][:slots] if key in table else np.zeros((slots, N_LANES)))
            for table in (self.chance, self.velocity)
        )
        slot, lane = np.nonzero(chance > self.threshold)
        events = np.empty(len(slot), EVENT)
        events["bar"], events["slot"], events["lane"], events["offset"] = 0, slot, lane, _CENTRE
        events["velocity"] = np.clip(np.rint(velocity[slot, lane]), 0, VELOCITIES - 1)
        return repeat_last_bar(Score(events, slots, 1), bars)


def style_marginal(scores: Iterable[tuple[str, Score]], threshold: float) -> StyleMarginal:
    """Fit on (style, score) pairs; every bar counts once."""
    bars: dict[tuple[str, int], int] = {}
    struck: dict[tuple[str, int], NDArray[np.float64]] = {}
    loud: dict[tuple[str, int], NDArray[np.float64]] = {}
    for style, score in scores:
        grid = np.full((score.bars, MAX_SLOTS, N_LANES), -1.0)
        events = score.events
        np.maximum.at(grid, (events["bar"], events["slot"], events["lane"]), events["velocity"].astype(float))
        grid = grid[:, : score.slots]
        for key in ((style, score.slots), ("", score.slots)):
            bars[key] = bars.get(key, 0) + score.bars
            struck[key] = struck.get(key, 0) + (grid >= 0).sum(axis=0)
            loud[key] = loud.get(key, 0) + np.maximum(grid, 0).sum(axis=0)
    enough = [key for key in bars if bars[key] >= _LEAST_BARS or not key[0]]
    return StyleMarginal(
        {key: struck[key] / bars[key] for key in enough},
        {key: loud[key] / np.maximum(struck[key], 1) for key in enough},
        threshold,
    )
