"""The song position: beat and tempo, from MIDI clock and song position, from commands, or running freely."""

from collections import deque
from math import inf
from typing import Final, Literal

from ghostnote.events import ClockEvent, TransportEvent

TICKS_PER_BEAT: Final = 24
STEADY: Final = 0.02
"""Share by which the tempi of the last beat and of the last four may differ when the tempo is steady."""
CLOCK_LOST_SECONDS: Final = 0.5
"""A clock that is silent for this long has stopped; 20 bpm has a tick every 0.125 s."""
BPM_RANGE: Final = (20.0, 400.0)

Sync = Literal["MIDI clock", "OSC transport", "own tempo"]


class Transport:
    """The beat at any time. Owned by the render thread."""

    def __init__(self, bpm: float = 120.0) -> None:
        self.bpm = bpm
        self.playing = False
        self._mark = (0.0, 0.0)
        """A beat and its time [s]; always replaced as a whole, because other threads read it."""
        self._ticks: deque[float] = deque(maxlen=4 * TICKS_PER_BEAT + 1)
        self._last_tick = -inf
        self._clocked = False
        """Whether a clock tick arrived since the transport last changed."""

    def beat_at(self, time: float) -> float:
        """Position in quarter notes at `time` [s]; continues at the last tempo without a clock."""
        return max(0.0, self.reached(time))

    def time_of(self, beat: float) -> float:
        """The time [s] at which `beat` is reached if the tempo stays."""
        marked, at = self._mark
        return at + (beat - marked) * 60 / self.bpm

    def reached(self, time: float) -> float:
        """Like `beat_at`, below 0 before a start that is to come."""
        marked, at = self._mark
        return marked + (time - at) * self.bpm / 60

    def sync_at(self, time: float) -> Sync:
        """What the beat follows at `time` [s]. Any thread."""
        if time - self._last_tick < CLOCK_LOST_SECONDS:
            return "MIDI clock"
        return "OSC transport" if self.playing and not self._clocked else "own tempo"

    def set_tempo(self, time: float, bpm: float) -> None:
        """Set the tempo from `time` on; a running clock overrides it at its next tick."""
        self._mark = self.reached(time), time
        self.bpm = min(max(bpm, BPM_RANGE[0]), BPM_RANGE[1])

    def clock(self, event: ClockEvent) -> None:
        """One clock tick: updates the tempo; while playing, the beat advances by 1/24."""
        if self._ticks and event.at - self._ticks[-1] > CLOCK_LOST_SECONDS:
            self._ticks.clear()
        expected = round(self.beat_at(event.at) * TICKS_PER_BEAT) / TICKS_PER_BEAT
        self._ticks.append(event.at)
        self._last_tick, self._clocked = event.at, True
        if len(self._ticks) > 6:
            self.bpm = min(max(self._measured(), BPM_RANGE[0]), BPM_RANGE[1])
        if self.playing:
            self._mark = expected, event.at

    def _measured(self) -> float:
        """The tempo of the last beat or, while that is steady, of the last four, which is four times as exact."""
        last = min(TICKS_PER_BEAT, len(self._ticks) - 1)
        new = _bpm(self._ticks[-1] - self._ticks[-1 - last], last)
        whole = _bpm(self._ticks[-1] - self._ticks[0], len(self._ticks) - 1)
        if abs(whole - new) <= STEADY * new:
            return whole
        while len(self._ticks) > last + 1:
            self._ticks.popleft()
        return new

    def transport(self, event: TransportEvent) -> None:
        """Start, stop, continue or a jump, at `event.beat`."""
        self._mark = event.beat, event.at
        self.playing = event.kind != "stop"
        self._clocked = False


def _bpm(seconds: float, ticks: int) -> float:
    return 60 * ticks / TICKS_PER_BEAT / seconds if seconds > 0 else BPM_RANGE[1]
