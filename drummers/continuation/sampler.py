"""Choosing a bar token by token from a network's logits, so that only a valid bar can come out.

Valid: slots inside the bar, and strokes in the order slot, lane, offset without a repetition. What breaks that is
masked before a part is drawn, whatever the network outputs.
"""

from typing import Final, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from drummers.common.tokens import EVENT, OFFSETS, Score
from drummers.continuation.features import END, LOOK, MEMORY, Condition, SlotTimeline, fields_of, sequence
from ghostnote.music.articulations import N_LANES, PIECE_OF_LANE, PIECES

MAX_STROKES: Final = 96
"""A bar ends after this many strokes; the fullest bar of the Groove MIDI Dataset has fewer."""
MEMORY_SHARE: Final = 0.5
"""Weight of the bars heard among the proposals when a bar is agreed on (validation, see docs/drummers.md)."""
AGREED: Final = 0.4
"""Weight that must strike a (slot, piece) for it to be played (likewise)."""
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


class Network(Protocol):
    """The continuation network: three functions of arrays (shapes: `training.drummers.continuation.network`)."""

    def read(
        self, fields: Ints, time: Floats, echo: Floats, context: Floats | None, past: Floats | None
    ) -> tuple[Floats, Floats, Floats]:
        """State [K, width] and shift logits [K, 25] of the last position, and `past` with the new positions.

        `context`: what a call with K = 1 gave, heard by all K; `past`: each one's own; None: nothing.
        """
        ...

    def lane(self, state: Floats, shift: Ints, echo: Floats) -> Floats:
        """Lane logits [K, 22]."""
        ...

    def feel(self, state: Floats, shift: Ints, lane: Ints, near: Floats) -> tuple[Floats, Floats]:
        """Offset logits [K, 24] and velocity logits [K, 32]."""
        ...


def draw(logits: Floats, allowed: NDArray[np.bool_], temperature: float, rng: Generator) -> Ints:
    """One allowed column per row of `logits` [K, N]; the likeliest with temperature 0. A row allows at least one."""
    finite = np.clip(np.nan_to_num(logits.astype(np.float64)), -1e4, 1e4)  # -inf is kept for what is not allowed
    masked = np.where(allowed, finite, -np.inf)
    if temperature > 0:
        masked = masked / temperature + rng.gumbel(size=masked.shape)
    return masked.argmax(axis=1)


class _Bars:
    """Several candidates for one bar while they grow."""

    def __init__(self, slots: int, bar: int, count: int) -> None:
        self.slots, self.bar = slots, bar
        self.slot, self.lane, self.offset = (np.full(count, start, np.int64) for start in (0, -1, OFFSETS - 1))
        self.done = np.zeros(count, bool)
        self.strokes: list[list[tuple[int, int, int, int, int]]] = [[] for _ in range(count)]

    def shifts(self) -> NDArray[np.bool_]:
        """Which shifts are allowed [K, 25]: inside the bar, not where the slot is full, and always its end."""
        step = np.arange(END)
        allowed = self.slot[:, None] + step < self.slots
        allowed[:, 0] &= (self.lane < N_LANES - 1) | (self.offset < OFFSETS - 1)
        allowed[[len(strokes) >= MAX_STROKES for strokes in self.strokes]] = False
        return np.concatenate([allowed, np.ones((len(allowed), 1), bool)], axis=1)

    def lanes(self, shift: Ints) -> NDArray[np.bool_]:
        """Which lanes are allowed [K, 22]: in the same slot only the last one, if it has room, and those after it."""
        least = np.where(shift > 0, 0, self.lane + (self.offset == OFFSETS - 1))
        return np.arange(N_LANES) >= least[:, None]

    def offsets(self, shift: Ints, lane: Ints) -> NDArray[np.bool_]:
        """Which offsets are allowed [K, 24]: a lane's next stroke in the same slot comes later."""
        least = np.where((shift == 0) & (lane == self.lane), self.offset + 1, 0)
        return np.arange(OFFSETS) >= least[:, None]

    def add(self, shift: Ints, lane: Ints, offset: Ints, velocity: Ints) -> NDArray[np.void]:
        """Append a stroke to each candidate that is not done; the strokes (dtype EVENT), one per candidate."""
        self.slot = self.slot + shift
        self.lane, self.offset = lane, offset
        columns = (np.full_like(lane, self.bar), self.slot, lane, offset, velocity)
        rows = np.array(list(zip(*(column.tolist() for column in columns), strict=True)), EVENT)
        for strokes, row, done in zip(self.strokes, rows.tolist(), self.done, strict=True):
            if not done:
                strokes.append(row)
        return rows


def candidates(
    network: Network, context: Score, condition: Condition, count: int, temperature: float, rng: Generator
) -> list[NDArray[np.void]]:
    """`count` proposals for the bar after `context` (1 to `MEMORY` bars): strokes, dtype EVENT, of bar 0."""
    assert 1 <= context.bars <= MEMORY
    bar = context.bars
    timeline = SlotTimeline(context.slots, bar + 1, count)
    timeline.add(context.events)
    start = sequence(context, condition, timeline, next_bar=True)
    state, logits, context_state = network.read(start.fields[None], start.time[None], start.echo[None], None, None)
    state, logits, past = np.repeat(state, count, axis=0), np.repeat(logits, count, axis=0), None
    bars = _Bars(context.slots, bar, count)
    which = np.arange(count)
    echo = np.repeat(start.echo[-1:], count, axis=0)
    while True:
        shift = draw(logits, bars.shifts(), temperature, rng)
        bars.done |= shift == END
        if bars.done.all():
            break
        shift = np.where(bars.done, 0, shift)
        there = np.where((shift < LOOK)[:, None, None], echo[which, :, np.minimum(shift, LOOK - 1)], np.float32(0))
        # What is done goes along with anything, so its masks must not run empty.
        free = bars.done[:, None]
        lane = draw(network.lane(state, shift, there), bars.lanes(shift) | free, temperature, rng)
        at = bar * context.slots + bars.slot + shift
        offset, velocity = network.feel(state, shift, lane, timeline.near(at, lane, which))
        late = draw(offset, bars.offsets(shift, lane) | free, temperature, rng)
        loud = draw(velocity, np.ones(velocity.shape, bool), temperature, rng)
        rows = bars.add(shift, lane, late, loud)
        for copy in np.flatnonzero(~bars.done).tolist():
            timeline.add(rows[copy : copy + 1], copy)
        echo = timeline.echo(at, which)
        fields = fields_of(rows, np.ones(count, bool))
        time = at[:, None].astype(np.float32)
        state, logits, past = network.read(fields[:, None], time, echo[:, None], context_state, past)
    return [_as_bar(strokes) for strokes in bars.strokes]


def _as_bar(strokes: list[tuple[int, int, int, int, int]]) -> NDArray[np.void]:
    events = np.array(strokes, EVENT)
    events["bar"] = 0
    return events


def next_bars(
    network: Network, context: Score, bars: int, condition: Condition, *, count: int, temperature: float, seed: int
) -> Score:
    """The next `bars` bars; each is what `count` candidates and the context bars agree on (one alone at temperature 0).

    `context` has at least one bar, of which the last `MEMORY` are used.
    """
    rng = np.random.default_rng(seed)
    whole = context
    for _ in range(bars):
        recent = whole.part(max(0, whole.bars - MEMORY), whole.bars)
        proposals = candidates(network, recent, condition, count if temperature > 0 else 1, temperature, rng)
        bar = agreed(proposals, recent).copy() if temperature > 0 else proposals[0].copy()
        bar["bar"] = whole.bars
        whole = Score(np.concatenate([whole.events, bar]), whole.slots, whole.bars + 1)
    return whole.part(context.bars, whole.bars)


def agreed(proposals: list[NDArray[np.void]], recent: Score) -> NDArray[np.void]:
    """The bar of all (slot, piece) that enough of the proposals and the context bars strike; bar 0, dtype EVENT.

    What a piece does in a slot is taken whole from one bar: from the proposal that is most like what is agreed on,
    or the next like it that strikes there, and only then from the context.
    """
    context_bars = [recent.part(bar, bar + 1).events for bar in reversed(range(recent.bars))]
    ours, theirs = (np.stack([_cells(bar, recent.slots) for bar in bars]) for bars in (proposals, context_bars))
    support = (1 - MEMORY_SHARE) * ours.mean(0) + MEMORY_SHARE * theirs.mean(0)
    wanted = (support > 0) & (support >= min(AGREED, float(support.max())))
    likeness = 2 * (ours & wanted).sum(1) / np.maximum(1, ours.sum(1) + wanted.sum())
    parts: list[NDArray[np.void]] = []
    for bar in [proposals[i] for i in np.argsort(-likeness, kind="stable")] + context_bars:
        cells = _cell_of(bar)
        parts.append(bar[wanted[cells]])
        wanted[cells] = False
    return np.sort(np.concatenate(parts), order=["slot", "lane", "offset"])


def _cell_of(bar: NDArray[np.void]) -> Ints:
    """The number of the (slot, piece) of each stroke."""
    return bar["slot"].astype(np.int64) * len(PIECES) + np.array(PIECE_OF_LANE)[bar["lane"]]


def _cells(bar: NDArray[np.void], slots: int) -> NDArray[np.bool_]:
    """Which (slot, piece) a bar strikes."""
    struck = np.zeros(slots * len(PIECES), bool)
    struck[_cell_of(bar)] = True
    return struck
