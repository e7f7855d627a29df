"""Sequences of five bars from performances, for the continuation network: made from a seed and a number alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from drummers.common.styles import STYLES
from drummers.common.tokens import MIN_SLOTS, VELOCITIES, Score, encode
from drummers.continuation.features import (
    BAR,
    END,
    HIT_WORD,
    LOOK,
    MEMORY,
    N_DRUMMERS,
    Condition,
    SlotTimeline,
    sequence,
)
from ghostnote.music.articulations import LANE_OF_NAME, PIECE_OF_LANE
from ghostnote.music.performance import Performance

LONGEST: Final = 224
"""Positions of a sequence; what is longer is cut."""
NO_TARGET: Final = -100
_SAME: Final = tuple(
    (LANE_OF_NAME[a], LANE_OF_NAME[b])
    for a, b in (
        ("hat_closed_bow", "hat_closed_edge"),
        ("hat_open_bow", "hat_open_edge"),
        ("crash_1", "crash_2"),
        ("ride_bow", "ride_edge"),
        ("snare", "snare_rim"),
        ("tom_high", "tom_mid"),
    )
)
"""Lanes that may be exchanged, and the groove stays a groove."""


class ContinuationBatch(NamedTuple):
    """Inputs as `ContinuationNet.forward` takes them, and targets [B, T] (NO_TARGET if there is none).

    echo_next [B, T, 3, 22] and near [B, T, NEAR] belong to the target's place; weight [B, T] is that of the losses.
    """

    fields: Tensor
    time: Tensor
    echo: Tensor
    shift: Tensor
    lane: Tensor
    offset: Tensor
    velocity: Tensor
    echo_next: Tensor
    near: Tensor
    weight: Tensor


@dataclass(frozen=True)
class SlotTake:
    """A performance on slots with its conditions."""

    score: Score
    condition: Condition


def takes_of(performances: Sequence[Performance]) -> list[SlotTake]:
    """Those of the performances that have at least two bars, on slots."""
    takes: list[SlotTake] = []
    for performance in performances:
        if not len(performance.hits):
            continue
        score = encode(performance)
        if score.bars >= 2:
            takes.append(SlotTake(score, condition_of(performance)))
    return takes


def condition_of(performance: Performance) -> Condition:
    """The conditions of a performance of the Groove MIDI Dataset."""
    style = STYLES.index(performance.style) + 1 if performance.style in STYLES else 0
    drummer = int(performance.drummer.removeprefix("drummer") or 0)
    return Condition(style, drummer if 0 <= drummer < N_DRUMMERS else 0, performance.bpm)


def augment(score: Score, rng: Generator) -> Score:
    """A variation that is still a groove: louder or softer, lanes exchanged, a piece less, a shorter bar."""
    events = score.events.copy()
    slots = score.slots
    loud = 2 ** rng.uniform(-0.35, 0.35)
    events["velocity"] = np.clip(np.rint((events["velocity"] + 0.5) * loud - 0.5), 0, VELOCITIES - 1)
    for one, other in _SAME:
        if rng.uniform() < 0.15:
            lane = events["lane"].copy()
            events["lane"] = np.where(lane == one, other, np.where(lane == other, one, lane))
    if rng.uniform() < 0.1:
        piece = np.array(PIECE_OF_LANE)[events["lane"]]
        if len(np.unique(piece)) > 2:
            events = events[piece != rng.choice(np.unique(piece))]
    if rng.uniform() < 0.1:
        slots = max(MIN_SLOTS, slots - int(rng.choice([2, 4])))
        events = events[events["slot"] < slots]
    return Score(np.sort(events, order=["bar", "slot", "lane", "offset"]), slots, score.bars)


def example(score: Score, condition: Condition) -> tuple[NDArray[np.generic], ...]:
    """One sequence's arrays in the order of `ContinuationBatch`, T positions."""
    timeline = SlotTimeline(score.slots, score.bars + 1)
    timeline.add(score.events)
    whole = sequence(score, condition, timeline, next_bar=True)
    word, lane, velocity, offset = whole.fields[1:, :4].T
    at = whole.time.astype(np.int64)
    hit = word == HIT_WORD
    shift = np.where(hit, at[1:] - at[:-1], np.where(word == BAR, END, NO_TARGET))
    shift[:4] = NO_TARGET  # the prefix and the first barline are given
    known = np.where(hit, shift, 0)
    echo_next = np.where(
        (known < LOOK)[:, None, None],
        whole.echo[:-1][np.arange(len(known)), :, np.minimum(known, LOOK - 1)],
        np.float32(0),
    )
    near = timeline.near(at[1:], np.where(hit, lane, 0))
    weight = np.where(whole.fields[:-1, 5] > 0, 1.0, 0.25).astype(np.float32)
    parts = (np.where(hit, part, NO_TARGET) for part in (lane, offset, velocity))
    inputs = (whole.fields[:-1], whole.time[:-1], whole.echo[:-1])
    return tuple(array[:LONGEST] for array in (*inputs, shift, *parts, echo_next, near, weight))


def collate(examples: Sequence[tuple[NDArray[np.generic], ...]]) -> ContinuationBatch:
    """Examples padded at the end to the longest; padding has no targets."""
    longest = max(len(one[0]) for one in examples)
    columns: list[Tensor] = []
    for index in range(len(ContinuationBatch._fields)):
        fill = NO_TARGET if ContinuationBatch._fields[index] in ("shift", "lane", "offset", "velocity") else 0
        first = examples[0][index]
        out = np.full((len(examples), longest, *first.shape[1:]), fill, first.dtype)
        for row, one in enumerate(examples):
            out[row, : len(one[index])] = one[index]
        columns.append(torch.from_numpy(out))
    return ContinuationBatch(*columns)


class Windows:
    """Batches of `size` windows of five bars, similar in length within a batch."""

    def __init__(self, takes: Sequence[SlotTake], size: int, vary: bool) -> None:
        self.takes, self.size, self.vary = takes, size, vary
        bars = np.array([max(1, take.score.bars - MEMORY) for take in takes], float)
        self._chance = bars / bars.sum()

    def window(self, rng: Generator) -> tuple[NDArray[np.generic], ...]:
        """One random window."""
        take = self.takes[int(rng.choice(len(self.takes), p=self._chance))]
        start = int(rng.integers(max(1, take.score.bars - MEMORY)))
        score = take.score.part(start, min(take.score.bars, start + MEMORY + 1))
        condition = take.condition
        if self.vary:
            score = augment(score, rng)
            hide_style, hide_drummer = rng.uniform(size=2) < 0.25
            condition = replace(
                condition,
                style=0 if hide_style else condition.style,
                drummer=0 if hide_drummer else condition.drummer,
                bpm=condition.bpm * 2 ** rng.uniform(-0.15, 0.15),
            )
        return example(score, condition)

    def batches(self, seed: int, step: int) -> list[ContinuationBatch]:
        """Four batches, made from the seed and the number alone."""
        rng = np.random.default_rng((seed, step))
        examples = sorted((self.window(rng) for _ in range(4 * self.size)), key=lambda one: len(one[0]))
        return [collate(examples[i * self.size : (i + 1) * self.size]) for i in rng.permutation(4)]
