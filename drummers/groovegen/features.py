"""Input and output of the groove network: conditions, slots, and which articulation of each piece is struck.

In a slot (a sixteenth note) a piece is struck once or not at all, by one of its articulations; with the offset and
velocity bins of `drummers.common.tokens`. A loop is four bars.
"""

from dataclasses import dataclass
from itertools import accumulate
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drummers.common.styles import STYLES
from drummers.common.tokens import EVENT, Score
from ghostnote.music.articulations import N_LANES, PIECE_OF_LANE, PIECES, lanes_of_piece

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

METERS: Final = ((4, 4), (3, 4), (6, 8))
"""Meters that the network knows."""
BARS: Final = 4
MAX_SLOTS_PER_BAR: Final = 16
LANES_OF_PIECE: Final = tuple(lanes_of_piece(piece) for piece in PIECES)
CHOICES: Final = tuple(len(lanes) + 1 for lanes in LANES_OF_PIECE)
"""Choices of each piece: 0 is silence, k its articulation k - 1."""
FIRST_CHOICE: Final = (0, *accumulate(CHOICES))
"""Index of each piece's silence among all choices, and their number at the end."""
N_CHOICES: Final = FIRST_CHOICE[-1]
N_CONDITIONS: Final = len(STYLES) + 1 + len(METERS) + 4
N_PLACE: Final = MAX_SLOTS_PER_BAR + BARS + 1
N_PAST: Final = 4 * N_LANES
"""Previous slot, the slot a bar ago and the one after that: velocity by lane; the slot a bar ago: offset by lane."""
MIDDLE_BPM: Final = 110.0


@dataclass(frozen=True)
class SlotLoop:
    """Hits on slots, [slots, 9 pieces] each: choice (0 = silence), offset bin 0..23, velocity bin 0..31."""

    choice: NDArray[np.int8]
    offset: NDArray[np.int8]
    velocity: NDArray[np.int8]


def loop_of(score: Score) -> SlotLoop:
    """The score with the hardest stroke of each piece in a slot."""
    shape = (score.bars * score.slots, len(PIECES))
    choice, offset, velocity = (np.zeros(shape, np.int8) for _ in range(3))
    events = score.events[np.argsort(score.events["velocity"], kind="stable")]  # the hardest is written last
    slot = events["bar"].astype(np.int64) * score.slots + events["slot"]
    piece = np.array(PIECE_OF_LANE)[events["lane"]]
    choice[slot, piece] = CHOICE_OF_LANE[events["lane"]]
    offset[slot, piece], velocity[slot, piece] = events["offset"], events["velocity"]
    return SlotLoop(choice, offset, velocity)


def score_of(loop: SlotLoop, slots_per_bar: int) -> Score:
    """The loop as events."""
    slot, piece = np.nonzero(loop.choice)
    events = np.empty(len(slot), EVENT)
    events["bar"], events["slot"] = np.divmod(slot, slots_per_bar)
    events["lane"] = LANE_OF_CHOICE[np.array(FIRST_CHOICE)[piece] + loop.choice[slot, piece]]
    events["offset"], events["velocity"] = loop.offset[slot, piece], loop.velocity[slot, piece]
    order = np.lexsort((events["offset"], events["lane"], events["slot"], events["bar"]))
    return Score(events[order], slots_per_bar, len(loop.choice) // slots_per_bar)


def _tables() -> tuple[NDArray[np.int8], NDArray[np.int16]]:
    choice_of_lane = np.zeros(N_LANES, np.int8)
    lane_of_choice = np.full(N_CHOICES, -1, np.int16)
    for first, lanes in zip(FIRST_CHOICE, LANES_OF_PIECE, strict=False):
        for k, lane in enumerate(lanes, 1):
            choice_of_lane[lane], lane_of_choice[first + k] = k, lane
    return choice_of_lane, lane_of_choice


CHOICE_OF_LANE, LANE_OF_CHOICE = _tables()


def planes(loop: SlotLoop) -> tuple[Floats, Floats]:
    """Velocity (0.1..1, 0 = no hit) and offset (-0.5..0.5 of a slot) by lane, [slots, 22] each."""
    slot, piece = np.nonzero(loop.choice)
    lane = LANE_OF_CHOICE[np.array(FIRST_CHOICE)[piece] + loop.choice[slot, piece]]
    velocity, offset = (np.zeros((len(loop.choice), N_LANES), np.float32) for _ in range(2))
    velocity[slot, lane] = velocity_plane(loop.velocity[slot, piece])
    offset[slot, lane] = offset_plane(loop.offset[slot, piece])
    return velocity, offset


def velocity_plane(bins: NDArray[np.integer]) -> Floats:
    """Velocity bins as the network reads them."""
    return (0.1 + 0.9 * (bins + 0.5) / 32).astype(np.float32)


def offset_plane(bins: NDArray[np.integer]) -> Floats:
    """Offset bins as the network reads them."""
    return ((bins - 12) / 24).astype(np.float32)


def past(velocity: Floats, offset: Floats, slots_per_bar: int) -> Floats:
    """What each slot of a loop knows of those before it, [slots, N_PAST]; planes are [slots, 22]."""
    bar = slots_per_bar
    pad = np.zeros((bar, N_LANES), np.float32)
    v, o = np.concatenate([pad, velocity]), np.concatenate([pad, offset])
    n = len(velocity)
    after = v[1 : n + 1].copy()
    return np.concatenate([v[bar - 1 : bar - 1 + n], v[:n], after, o[:n]], 1)


def places(slots: int, slots_per_bar: int, fills: NDArray[np.bool_]) -> Floats:
    """Where each slot is, [slots, N_PLACE]: slot of the bar, bars since the start (at most 3), whether in a fill.

    `fills` [bars] says which bars are fills.
    """
    out = np.zeros((slots, N_PLACE), np.float32)
    bar, slot = np.divmod(np.arange(slots), slots_per_bar)
    out[np.arange(slots), slot] = 1
    out[np.arange(slots), MAX_SLOTS_PER_BAR + np.minimum(bar, BARS - 1)] = 1
    out[:, -1] = fills[bar]
    return out


def conditions(
    styles: dict[str, float], bpm: float, meter: tuple[int, int], density: float | None, intensity: float | None
) -> Floats:
    """The conditions [N_CONDITIONS]: weights of styles, tempo, meter, and the knobs -1..1 with whether they are set."""
    out = np.zeros(N_CONDITIONS, np.float32)
    for style, weight in styles.items():
        out[STYLES.index(style)] = weight
    at = len(STYLES)
    out[at] = log(bpm / MIDDLE_BPM) / 0.35
    out[at + 1 + METERS.index(meter)] = 1
    at += 1 + len(METERS)
    for knob in (density, intensity):
        out[at : at + 2] = (knob or 0.0, knob is not None)
        at += 2
    return out
