"""What the setting "feel" adds to live hits. A live hit can only be delayed, never played earlier.

- swing: inside each beat time is bent so that the middle moves from 1/2 to 2/3 (triplets) at amount 1, as in
  `ghostnote.files.groove` for pairs of eighths.
- timing: each hit is late by a random time, half-normal with a standard deviation of `TIMING_SECONDS` at amount 1.
- velocity: multiplied by a random factor whose standard deviation is `VELOCITY_SHARE` at amount 1.

Hits that already have a drummer model's timing and velocity (`performed`) only swing.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import exp, floor
from typing import Final

import numpy as np

from ghostnote.events import NoteEvent
from ghostnote.music.performance import Performance

DRUMMERS: Final = ("any", *(f"drummer{n}" for n in range(1, 11)))
"""Names of the drummers whose feel the models know; the first is none in particular."""
TIMING_SECONDS: Final = 0.006
VELOCITY_SHARE: Final = 0.15
SWUNG_MIDDLE: Final = 2 / 3
_SOFTEST: Final = 1 / 127


def swing_delay(beat: float, amount: float) -> float:
    """Beats by which swing delays a hit at `beat`."""
    middle = 0.5 + amount * (SWUNG_MIDDLE - 0.5)
    inside = beat - floor(beat)
    bent = inside * 2 * middle if inside < 0.5 else middle + (inside - 0.5) * 2 * (1 - middle)
    return bent - inside


def add_feel(
    hit: NoteEvent, feel: Mapping[str, float], beat: float, bpm: float, random: np.random.Generator
) -> NoteEvent:
    """The hit, played at `beat`, with feel added; the same object if there is nothing to add."""
    timing, velocity, swing = (feel.get(aspect, 0.0) for aspect in ("timing", "velocity", "swing"))
    if hit.performed:
        timing = velocity = 0.0
    if not (timing or velocity or swing):
        return hit
    late = swing_delay(beat, swing) * 60 / bpm + timing * TIMING_SECONDS * abs(random.standard_normal())
    factor = exp(velocity * VELOCITY_SHARE * random.standard_normal())
    return replace(hit, at=hit.at + late, velocity=min(1.0, max(_SOFTEST, hit.velocity * factor)))


def with_feel(performance: Performance, feel: Mapping[str, float], random: np.random.Generator) -> Performance:
    """The performance as it would sound if played live with this feel; beats are counted at its one tempo."""
    if not any(feel.values()):
        return performance
    hits, bpm = performance.hits.copy(), performance.bpm
    for hit in hits:
        time = float(hit["time"])
        played = NoteEvent(time, int(hit["lane"]), float(hit["velocity"]))
        event = add_feel(played, feel, time * bpm / 60, bpm, random)
        hit["time"], hit["velocity"] = event.at, event.velocity
    hits.sort(order="time", kind="stable")
    last = float(hits["time"][-1]) if len(hits) else 0.0
    return replace(performance, hits=hits, duration=max(performance.duration, last))
