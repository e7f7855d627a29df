"""The humaniser for hits that are played in: it can only delay them, and it does not know what comes next."""

from collections import deque
from dataclasses import replace
from typing import Final

import numpy as np

from drummers.humanizer.features import SLOTS, Pattern, PlayingStyle, levels_of, slots_per_bar
from drummers.humanizer.network import HitNetwork, perform
from ghostnote.music.articulations import PIECE_OF_LANE

_TAIL: Final = 64
_DYNAMICS: Final = 16
"""Hits of a piece from which it is judged whether it is struck softer and harder."""
_PLACES: Final = np.array([0, 4, 6, 8, 12, 16, 18, 20, SLOTS])
"""Slots of a quarter note to which hits are assigned: sixteenths and triplets."""


class LiveHumanizer:
    """Says of every hit, as it comes in, how long to wait with it and how hard to play it.

    Waits are from 0 to `longest` seconds. A hit that is neither early nor late in the drummer's feel waits `lead`, so
    that early ones can wait less: at full amount the whole feel comes that much later, a constant that a host can
    compensate. Created by `Humanizer.live`; takes well below a millisecond per hit. Not thread-safe.
    """

    def __init__(
        self,
        network: HitNetwork,
        feel: PlayingStyle,
        bpm: float,
        meter: tuple[int, int],
        amount: float,
        longest: float,
        seed: int,
    ) -> None:
        self.bpm, self.amount, self.longest = bpm, amount, longest
        self.lead = longest / 2
        self._network, self._feel = network, feel
        self._rng = np.random.default_rng(seed)
        self._history = network.history(feel, self._rng)
        nothing = np.empty(0, np.int64)
        self._pattern = Pattern(nothing, nothing, nothing, slots_per_bar(meter), bpm)
        self._dynamics: dict[int, deque[tuple[int, float]]] = {}

    def hit(self, beat: float, lane: int, velocity: float) -> tuple[float, float]:
        """Delay [s] in 0..`longest` and velocity of a hit at `beat` [quarter notes from a barline].

        Beats go forward; a jump back (a loop, a new start) forgets the pattern, but not how it was played.
        """
        slot = _slot(beat)
        before = self._pattern
        if len(before.slot) and slot < before.slot[-1]:
            before = replace(before, slot=before.slot[:0], lane=before.lane[:0], level=before.level[:0])
        level = self._level(lane, velocity)
        added = ((before.slot, slot), (before.lane, lane), (before.level, level))
        slots, lanes, levels = (np.append(column, value)[-_TAIL:] for column, value in added)
        self._pattern = Pattern(slots, lanes, levels, before.slots_per_bar, self.bpm)
        hidden = self._network.hidden(self._pattern, self._feel, 1)
        last = replace(self._pattern, slot=slots[-1:], lane=lanes[-1:], level=levels[-1:])
        (offset,), (loud,) = perform(self._network, last, hidden, self._history, self._rng)
        played = (beat - slot / SLOTS) * 60 / self.bpm
        delay = self.amount * float(np.clip(offset + self.lead - played, 0.0, self.longest))
        return delay, velocity + self.amount * (float(loud) - velocity)

    def _level(self, lane: int, velocity: float) -> int:
        recent = self._dynamics.setdefault(PIECE_OF_LANE[lane], deque(maxlen=_DYNAMICS))
        recent.append((lane, velocity))
        lanes, strikes = zip(*recent, strict=True)
        return int(levels_of(np.array(lanes), np.array(strikes))[-1])


def _slot(beat: float) -> int:
    quarter = int(np.floor(beat))
    places = _PLACES + quarter * SLOTS
    return int(places[np.argmin(np.abs(places - beat * SLOTS))])
