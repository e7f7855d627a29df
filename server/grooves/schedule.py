"""A sequence of bars against the beat: what is due next, and which bar sounds. Uses no threads, clocks or sound.

Bars lie one after the other in quarter notes, so whatever the tempo does there is neither a gap nor an overlap. A bar
is taken half a beat before its barline, because a drummer may be early; if none is ready, the last is repeated.
"""

from collections import deque
from dataclasses import replace
from math import ceil
from typing import Final

from ghostnote.timed_queue import TimedQueue
from server.grooves.bars import Bar, Stroke

TAKEN_BEATS: Final = 0.5
"""Quarter notes before its barline at which a bar is taken."""
JOIN_BEATS: Final = 0.5
"""A barline that passed less than this ago still counts as the next one."""

Item = tuple[float, Stroke | float, bool]
"""The beat of a stroke's bar or of the pedal's movement, the stroke or openness, whether a drummer's feel is in it."""


class Schedule:
    """Bars from `begin` on. Not thread-safe."""

    def __init__(self) -> None:
        self.waiting: deque[Bar] = deque()
        """Bars that are ready and not taken."""
        self.late = 0
        """Bars that were not ready in time: the previous one was repeated."""
        self.bar = 0
        """The bar that sounds, from 1."""
        self._next = 0.0
        """The beat at which the next bar starts."""
        self._last: Bar | None = None
        self._begun: deque[tuple[float, Bar]] = deque()
        self._due: TimedQueue[float, Item] = TimedQueue()

    def begin(self, beat: float) -> None:
        """The first bar starts at `beat`."""
        self._next = beat

    def jump(self, beat: float) -> None:
        """The beat has jumped: what was due is dropped, the next bar starts at the next barline."""
        self._due.clear()
        self._begun.clear()
        following = self.waiting[0] if self.waiting else self._last
        if following:
            self._next = max(0.0, next_barline(beat, following.beats))

    def take(self, beat: float) -> list[Item]:
        """What is due before `beat`, in order."""
        while self._next - TAKEN_BEATS <= beat and (bar := self._following()):
            self._lay(bar)
        return [item for _, item in self._due.take_before(beat)]

    def reach(self, beat: float) -> Bar | None:
        """The bar that starts to sound at `beat`, None if it is the same as before."""
        started = None
        while self._begun and self._begun[0][0] <= beat:
            started = self._begun.popleft()[1]
            self.bar += 1
        return started

    def _following(self) -> Bar | None:
        if self.waiting:
            return self.waiting.popleft()
        if self._last is None:
            return None
        self.late += 1
        return replace(self._last, tempo=None)

    def _lay(self, bar: Bar) -> None:
        start = self._next
        rows = [(start + beat, (start + beat, openness, bar.performed)) for beat, openness in bar.pedal]
        rows += [(start + min(s.beat, s.performed_beat), (start, s, bar.performed)) for s in bar.strokes]
        for due, item in rows:
            self._due.put(due, item)
        self._begun.append((start, bar))
        self._last, self._next = bar, start + bar.beats


def next_barline(beat: float, beats: float) -> float:
    """The barline at `beat` or after it, for bars of `beats` quarter notes."""
    return ceil((beat - JOIN_BEATS) / beats) * beats
