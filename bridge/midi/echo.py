"""Sends events out again as MIDI, each at its time, with a note-off soon after every note."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Final

from bridge.midi.decode import encode, release
from ghostnote.events import Event, PanicEvent
from ghostnote.files.midi_map import MidiMap
from ghostnote.timed_queue import TimedQueue

HELD_S: Final = 0.03
"""Length of a written note."""
MAX_WAITING: Final = 1024

_log = logging.getLogger("midi.out")


class MidiEcho:
    """A thread between any thread that calls `play`, which never blocks, and `send`, which may take its time.

    Events that do not fit the queue, and those beyond the number that may wait, are dropped and counted.
    """

    def __init__(self, send: Callable[[bytes], None], midi_map: MidiMap) -> None:
        self._send = send
        self._map = midi_map
        self._queue: queue.Queue[tuple[float, bytes] | None] = queue.Queue(MAX_WAITING)
        self._waiting: TimedQueue[float, bytes] = TimedQueue()
        self._thread = threading.Thread(target=self._run, name="midi out", daemon=True)
        self.dropped = 0

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send the note-offs that are due and stop."""
        self._queue.put(None)
        self._thread.join()

    def play(self, event: Event) -> None:
        """Send the event at its time `at`, at once if that has passed."""
        message = encode(event, self._map)
        if message:
            try:
                self._queue.put_nowait((event.at, message))
            except queue.Full:
                self.dropped += 1

    def _run(self) -> None:
        while True:
            try:
                item = self._queue.get(timeout=self._pause())
            except queue.Empty:
                pass
            else:
                if item is None:
                    break
                self._accept(*item)
            self._play_due()
        for message in self._waiting:
            if not release(message):
                self._send(message)
        self._send(encode(PanicEvent(0), self._map))

    def _pause(self) -> float | None:
        due = self._waiting.next_due
        return None if due is None else max(0.0, due - time.perf_counter())

    def _accept(self, at: float, message: bytes) -> None:
        if len(self._waiting) < MAX_WAITING:
            self._waiting.put(at, message)
        else:
            self.dropped += 1

    def _play_due(self) -> None:
        for at, message in self._waiting.take_until(time.perf_counter()):
            _log.debug("%s", message.hex(" "))
            self._send(message)
            after = release(message)
            if after:
                self._waiting.put(max(at, time.perf_counter()) + HELD_S, after)
