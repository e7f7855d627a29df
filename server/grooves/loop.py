"""Plays a performance into the inbox in a loop, a little ahead of its time."""

import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Final

from ghostnote.events import Command, Event, NoteEvent, OpennessEvent
from ghostnote.music.performance import Performance

AHEAD_SECONDS: Final = 0.3


class GrooveLoop:
    """A thread that repeats `performance` from `start` to `stop`; every event carries its exact time."""

    def __init__(self, performance: Performance, sink: Callable[[Event | Command], object]) -> None:
        self._events = _events(performance)
        self._length = performance.duration
        self._sink = sink
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="groove", daemon=True)

    def start(self) -> None:
        """Begin, with the first beat a moment from now."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; what has already been sent still sounds."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        begin = time.perf_counter() + AHEAD_SECONDS
        for round_number in count():
            for offset, make in self._events:
                at = begin + round_number * self._length + offset
                if self._stop.wait(max(0.0, at - AHEAD_SECONDS - time.perf_counter())):
                    return
                self._sink(make(at))


def _events(performance: Performance) -> list[tuple[float, Callable[[float], Event]]]:
    """(seconds from the start, maker of the event at a time), in order."""
    hits = [(float(h["time"]), _hit(int(h["lane"]), float(h["velocity"]))) for h in performance.hits]
    pedal = [(float(p["time"]), _pedal(float(p["value"]))) for p in performance.openness]
    return sorted([*pedal, *hits], key=lambda pair: pair[0])


def _hit(lane: int, velocity: float) -> Callable[[float], Event]:
    return lambda at: NoteEvent(at, lane, velocity)


def _pedal(value: float) -> Callable[[float], Event]:
    return lambda at: OpennessEvent(at, value)
