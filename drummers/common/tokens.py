"""Performances as compound tokens: how many slots on, which articulation, how far off the slot, how hard.

A slot is a sixteenth note. A hit belongs to the nearest slot, and to the bar of that slot, so a stroke played a little
before the barline is the next bar's first. Order: bar, slot, lane, offset; a lane that strikes twice in a slot (a drag)
keeps both strokes. Because a bar has a fixed number of slots, whatever is decoded from tokens stays in tempo.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ghostnote.errors import InputError
from ghostnote.music.articulations import ARTICULATIONS, HAT_LANES
from ghostnote.music.performance import HIT, OPENNESS, Performance

SLOTS_PER_QUARTER: Final = 4
OFFSETS: Final = 24
"""Offsets in a slot: 1/96 of a quarter note each (5.2 ms at 120 bpm), -12..11 stored as 0..23."""
VELOCITIES: Final = 32
MIN_SLOTS: Final = 6
MAX_SLOTS: Final = 24
"""Slots of the longest bar: 6/4."""
OPEN_HAT: Final = 0.64
"""Opening of the pedal under open strokes: the median of the Groove MIDI Dataset."""

EVENT: Final = np.dtype([("bar", "i4"), ("slot", "i2"), ("lane", "i2"), ("offset", "i2"), ("velocity", "i2")])


@dataclass(frozen=True)
class Score:
    """Hits on the slots of bars.

    `events`: dtype EVENT, sorted by its first four fields, of which no two rows agree in all; slot < `slots`,
    lane 0..21, offset 0..23, velocity 0..31.
    """

    events: NDArray[np.void]
    slots: int
    """Slots per bar."""
    bars: int

    def part(self, start: int, stop: int) -> "Score":
        """Bars `start` .. `stop` (exclusive), counted from 0."""
        inside = (self.events["bar"] >= start) & (self.events["bar"] < stop)
        events = self.events[inside].copy()
        events["bar"] -= start
        return Score(events, self.slots, stop - start)


def slots_per_bar(meter: tuple[int, int]) -> int:
    """Slots of a bar. Raises InputError for meters whose bar is not a whole number of slots from 6 to 24."""
    slots, rest = divmod(meter[0] * 4 * SLOTS_PER_QUARTER, meter[1])
    if rest or not MIN_SLOTS <= slots <= MAX_SLOTS:
        raise InputError(
            f"meter {meter[0]}/{meter[1]} cannot be continued: a bar must have {MIN_SLOTS} to {MAX_SLOTS} sixteenths"
        )
    return slots


def encode(performance: Performance) -> Score:
    """The performance's hits on slots, times rounded to 1/96 of a quarter note; bars up to that of the last hit.

    Hits before time 0 by half a slot or more are an InputError, as is a meter that `slots_per_bar` refuses.
    """
    slots = slots_per_bar(performance.meter)
    hits = performance.hits
    tick = np.rint(hits["time"] * (performance.bpm / 60 * SLOTS_PER_QUARTER * OFFSETS)).astype(np.int64)
    slot, offset = np.divmod(tick + OFFSETS // 2, OFFSETS)
    if len(slot) and slot.min() < 0:
        raise InputError("a performance to be continued begins at its first barline, and this one has hits before it")
    events = np.empty(len(hits), EVENT)
    events["bar"], events["slot"] = np.divmod(slot, slots)
    events["lane"], events["offset"] = hits["lane"], offset
    events["velocity"] = np.clip(hits["velocity"] * VELOCITIES, 0, VELOCITIES - 1)
    order = np.lexsort((-events["velocity"], events["offset"], events["lane"], events["slot"], events["bar"]))
    events = events[order]
    place = events[["bar", "slot", "lane", "offset"]]
    first = np.ones(len(events), bool)
    first[1:] = place[1:] != place[:-1]  # of strokes at one place the hardest stays
    return Score(events[first], slots, int(events["bar"][-1]) + 1 if len(events) else 0)


def decode(score: Score, like: Performance) -> Performance:
    """The score as a performance with the bpm, meter, drummer and style of `like`; time 0 is its first barline.

    A stroke before time 0 is moved to it. The pedal follows the strokes: open from an open hit on, closed from any
    other hi-hat hit on.
    """
    events = score.events
    slot = events["bar"].astype(np.int64) * score.slots + events["slot"]
    tick = slot * OFFSETS + events["offset"] - OFFSETS // 2
    second = 60 / (like.bpm * SLOTS_PER_QUARTER)
    hits = np.empty(len(events), HIT)
    hits["time"] = np.maximum(0.0, tick * second / OFFSETS)
    hits["lane"] = events["lane"]
    hits["velocity"] = (events["velocity"] + 0.5) / VELOCITIES
    hits = hits[np.argsort(hits["time"], kind="stable")]
    return replace(
        like,
        hits=hits,
        openness=pedal(hits),
        chokes=like.chokes[:0],
        duration=max(score.bars * score.slots * second, *hits["time"][-1:].tolist()),
        split="",
    )


def pedal(hits: NDArray[np.void]) -> NDArray[np.void]:
    """Hi-hat opening (dtype OPENNESS) that the hi-hat strokes among the hits suggest."""
    strokes = hits[np.isin(hits["lane"], HAT_LANES)]
    opened = np.array([a.name.startswith("hat_open") for a in ARTICULATIONS])[strokes["lane"]]
    curve = np.empty(len(strokes), OPENNESS)
    curve["time"], curve["value"] = strokes["time"], np.where(opened, OPEN_HAT, 0.0)
    return curve
