"""Events that wait for their hop: hits, chokes and pedal movements by the frame at which they are to sound."""

from collections.abc import Callable
from typing import Final

from ghostnote.events import ChokeEvent, NoteEvent, OpennessEvent
from ghostnote.music.grid import HopHit
from ghostnote.timed_queue import TimedQueue

MAX_WAITING: Final = 4096

Sounding = NoteEvent | ChokeEvent | OpennessEvent


class Timeline:
    """Events in order of frame, those of one frame in order of arrival. Owned by the render thread."""

    def __init__(self) -> None:
        self.openness = 0.0
        """Of the hi-hat, as far as events were taken."""
        self._waiting: TimedQueue[int, Sounding] = TimedQueue(MAX_WAITING)

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether the queue is full."""
        return self._waiting.full

    def add(self, frame: int, event: Sounding) -> None:
        """Let `event` wait for `frame`."""
        self._waiting.put(frame, event)

    def take(self, start: int, end: int) -> tuple[tuple[HopHit, ...], tuple[int, ...]]:
        """Hits, placed from `start`, and lanes of chokes before `end`, in order; the pedal moves."""
        hits: list[HopHit] = []
        chokes: list[int] = []
        for frame, event in self._waiting.take_before(end):
            match event:
                case NoteEvent(_, lane, velocity):
                    hits.append(HopHit(lane, max(0, frame - start), velocity))
                case ChokeEvent(_, lane):
                    chokes.append(lane)
                case OpennessEvent(_, value):
                    self.openness = value
        return tuple(hits), tuple(chokes)

    def drop(self, end: int) -> int:
        """Drop what is before `end`, but keep the pedal's position; returns the number of hits."""
        return len(self.take(0, end)[0])

    def clear(self) -> int:
        """Drop everything and close the pedal; returns the number of hits that waited."""
        hits = sum(isinstance(event, NoteEvent) for event in self._waiting)
        self._waiting.clear()
        self.openness = 0.0
        return hits

    def move(self, to: Callable[[int], int]) -> None:
        """Move everything; `to` keeps the order of frames."""
        self._waiting.move(to)
