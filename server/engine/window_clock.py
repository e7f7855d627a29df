"""Window mode: what is played in four beats is heard in the next four, so that a whole window is known beforehand.

A hit of the host's beat b sounds at its beat b + 4: at a steady tempo exactly `delay` frames later, whatever else
happens. Frames here are those at which live mode would play a hit (arrival + hop + lead).

- A window ends where the host's song position (MIDI clock and song position, or /ghostnote/transport and tempo) passes
  a multiple of four beats, or a little after the length it had at its beginning. While nothing arrives from the
  host, windows continue at the last tempo.
- Tempo: takes effect at the next window. What waits there, always one window's worth, is then played in the new
  window's time: each frame is moved in proportion (`Stretch`), none is lost, none overtakes another.
- Start, continue, seek, loop: the window under way ends there and the next one begins at the new song position (it
  ends at the next multiple of four beats). The delay stays, so that our recorded output lines up with what was
  played when it is shifted by the declared latency, across every jump.
- Stop: what waits is still played. Panic: it is dropped.
"""

from dataclasses import dataclass
from math import ceil, floor
from typing import Final

from ghostnote.latency import WINDOW_BEATS, window_frames

TOLERANCE: Final = 0.001
"""Share by which the tempo must differ to count as changed; MIDI clock is never quite steady."""
LATEST_END: Final = 1.02
"""A window ends after its length times this, even if the host has become slower meanwhile: its sound is needed."""


@dataclass(frozen=True)
class Stretch:
    """Where frames move when at `start` the delay changes from `old` to `new` frames, `begin` >= `start`.

    What waits between `start` and `start` + `old` is played in the time up to `start` + `new`. What lies before `begin`
    has been rendered and stays; where the music must be faster, what follows first catches up at twice the pace.
    """

    begin: int
    start: int
    old: int
    new: int

    @property
    def ratio(self) -> float:
        """New length by old."""
        return self.new / self.old

    @property
    def caught_up(self) -> int:
        """The frame (as it was) from which on everything is in its exact place."""
        ahead = self.begin - self.start
        return self.start + max(ahead, ceil(ahead * (2 - self.ratio) / self.ratio))

    def __call__(self, frame: int) -> int:
        """The frame to which `frame` moves; keeps the order."""
        if frame < self.begin:
            return frame
        if frame >= self.start + self.old:
            return frame + self.new - self.old
        exact = self.start + floor((frame - self.start) * self.ratio)
        return max(exact, self.begin + floor((frame - self.begin) * self.ratio / 2))


@dataclass(frozen=True)
class _Mark:
    """From `frame` on the music that is heard continues from `beat`."""

    frame: int
    beat: float
    frames_per_beat: float


class WindowClock:
    """The window under way and the delay of its hits. Owned by the render thread."""

    def __init__(self, rate: int, frame: int, beat: float, bpm: float, share: float = 0.0) -> None:
        """Window mode begins at `frame`, at which the host is at `beat` and plays at `bpm`.

        `share` of a window's length is added to the delay, as time to render it in.
        """
        self._rate, self._share = rate, share
        self.delay = self._length(bpm)
        """Frames by which a hit of the current window sounds later than in live mode."""
        self._next, self._ends = _next_window(beat), self._latest_end(frame)
        self._marks = [_Mark(frame + self.delay, beat, 60 * rate / bpm)]

    def _length(self, bpm: float) -> int:
        return round(window_frames(bpm, self._rate) * (1 + self._share))

    def _latest_end(self, begin: int) -> int:
        return begin + round(LATEST_END * self.delay / (1 + self._share))

    @property
    def known(self) -> int:
        """The frame at which the window under way will be heard: nothing more comes before it."""
        return self._marks[-1].frame

    def advance(self, frame: int, beat: float, bpm: float, rendered: int) -> Stretch | None:
        """The host has come to `beat` at `frame`; everything before the frame `rendered` is rendered.

        Returns how waiting events must move, None = not at all.
        """
        if beat < self._next:
            return None if frame < self._ends else self.begin(frame, beat, bpm, rendered)
        passed = WINDOW_BEATS * floor(beat / WINDOW_BEATS)
        return self.begin(frame - round((beat - passed) * 60 * self._rate / bpm), passed, bpm, rendered)

    def begin(self, frame: int, beat: float, bpm: float, rendered: int) -> Stretch | None:
        """A window begins at `frame`, where the host is at `beat`, because the last one is over or the host jumped."""
        self._next = _next_window(beat)
        ahead = max(0, rendered - frame)
        # Faster music must catch up with what is rendered: what is not possible now follows at the next window.
        least = ceil(2 * ahead / (1 + ahead / self.delay))
        wanted = max(self._length(bpm), min(least, self.delay))
        stretch = None
        if abs(wanted - self.delay) > TOLERANCE * self.delay:
            stretch = Stretch(frame + ahead, frame, self.delay, wanted)
            self._marks = self._moved(stretch)
            self.delay = wanted
        self._ends = self._latest_end(frame)
        self._marks.append(_Mark(max(frame + self.delay, self.known), beat, 60 * self._rate / bpm))
        while len(self._marks) > 1 and self._marks[1].frame <= rendered:
            self._marks.pop(0)
        return stretch

    def music(self, frame: int) -> tuple[float, float]:
        """Song position [quarter notes] and tempo [bpm] of what is heard at `frame`."""
        mark = next((mark for mark in reversed(self._marks) if mark.frame <= frame), self._marks[0])
        beat = mark.beat + (frame - mark.frame) / mark.frames_per_beat
        return max(0.0, beat), 60 * self._rate / mark.frames_per_beat

    def _mark_at(self, frame: int) -> _Mark:
        beat, bpm = self.music(frame)
        return _Mark(frame, beat, 60 * self._rate / bpm)

    def _moved(self, stretch: Stretch) -> list[_Mark]:
        """The marks after a stretch, with new ones where it begins and where it has caught up."""
        begin, caught_up = stretch.begin, stretch.caught_up
        marks = [mark for mark in self._marks if mark.frame not in (begin, caught_up)]
        marks += [self._mark_at(frame) for frame in {begin, caught_up}]
        moved: list[_Mark] = []
        for mark in sorted(marks, key=lambda mark: mark.frame):
            pace = 1 if mark.frame < begin else stretch.ratio / (1 if mark.frame >= caught_up else 2)
            moved.append(_Mark(stretch(mark.frame), mark.beat, mark.frames_per_beat * pace))
        return moved


def _next_window(beat: float) -> int:
    return WINDOW_BEATS * (floor(beat / WINDOW_BEATS) + 1)
