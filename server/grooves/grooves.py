"""Generated grooves: takes commands, generates bars in advance, and plays them to the beat.

Two threads: one generates bars (networks; never the render thread), one sends what is due, `AHEAD_SECONDS` before its
time, so that a change of tempo, feel or song position takes effect at once. Bars follow the transport, whoever drives
it; if it is not running it is started with the first bar.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from ghostnote.errors import GhostnoteError, InputError
from ghostnote.events import (
    Command,
    Event,
    GrooveCommand,
    NoteEvent,
    OpennessEvent,
    PanicEvent,
    SetTempo,
    TransportEvent,
)
from ghostnote.files.preset import Preset
from ghostnote.osc.table import GROOVE_PROMPT
from server.engine.transport import Transport
from server.grooves.bars import Bar, Stroke
from server.grooves.played import BEATS, PlayedHistory
from server.grooves.schedule import Item, Schedule
from server.grooves.sources import BarSource, ContinueSource, GrooveFolder, Models, PromptRequest, PromptSource

log = logging.getLogger(__name__)

AHEAD_SECONDS: Final = 0.1
"""Hits are sent this long before their time, so this much still sounds after a stop."""
START_SECONDS: Final = 0.15
"""From the moment the first bar is ready to its first beat if the transport is not running."""
LATE_SECONDS: Final = 0.05
"""Hits that are later than this are dropped."""
READY_BARS: Final = 2
"""Bars that are generated beyond the current one."""
JUMP_BEATS: Final = 0.5
"""The beat has jumped if it is this far from where tempo and time lead."""
TICK_SECONDS: Final = 0.02
_SETTLE_SECONDS: Final = 0.5
"""The longest time that the render thread takes to start the transport."""


class Grooves:
    """Plays grooves from `start` to `stop`. `do`, `on_event` and `state` may be called by any thread."""

    def __init__(
        self,
        models: Models,
        play: Callable[[Event | Command], object],
        transport: Callable[[], Transport | None],
        settings: Callable[[], Preset],
        folder: GrooveFolder | None = None,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`play` sends to the render thread and to "Ghostnote Out". `folder`: where grooves are also written."""
        self._models, self._play, self._transport, self._settings = models, play, transport, settings
        self._folder, self._now = folder, now
        self.history = PlayedHistory()
        self._lock = threading.RLock()
        self._request: PromptRequest | None = None
        self._prompt = ""
        self._listening = self._ours = False
        self._source: BarSource | None = None
        self._ended: deque[BarSource] = deque()
        self._schedule: Schedule | None = None
        self._begin: float | None = None
        """The barline from which to continue."""
        self._seen: tuple[float, float] | None = None
        self._settled = 0.0
        self._late = 0
        self._fault = ""
        self._stop, self._wake = threading.Event(), threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(step, rest), name=name, daemon=True)
            for name, step, rest in (("groove maker", self.work, 2 * TICK_SECONDS), ("groove", self.tick, TICK_SECONDS))
        ]

    # Threads

    def start(self) -> None:
        """Start to wait for commands."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop, and write what is still to be written."""
        self.do(GrooveCommand("stop"))
        self._stop.set()
        self._wake.set()
        for thread in self._threads:
            thread.join()
        self._close_ended()

    def _run(self, step: Callable[[], object], rest: float) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            if not step():
                self._stop.wait(rest)

    # Commands

    def do(self, command: GrooveCommand) -> None:
        """Execute a command. Raises InputError for a prompt that is not understood, MissingError without a model."""
        if command.action == "stop":
            self._end()
            return
        self._models.check(command.action)
        if command.action == "prompt":
            request = self._models.parse(command.prompt)
            with self._lock:
                self._request, self._prompt = request, command.prompt
                self._begin_with(request, with_tempo=True)
        elif command.action == "start":
            self._start_again()
        else:
            self._end()
            with self._lock:
                self._listening, self._fault = True, ""
        self._wake.set()

    def _start_again(self) -> None:
        with self._lock:
            if self._request is None:
                raise InputError(
                    f'no groove to start: send {GROOVE_PROMPT} with a prompt first, such as "funk 100 bpm"'
                )
            if not isinstance(self._source, PromptSource):
                self._begin_with(self._request, with_tempo=False)

    def _begin_with(self, request: PromptRequest, *, with_tempo: bool) -> None:
        """Play grooves for `request`, from the next bar on if some are playing already."""
        transport = self._transport()
        clocked = transport is not None and transport.sync_at(self._now()) == "MIDI clock"
        self._leave_source()
        self._source = PromptSource(self._models, self._folder, request, with_tempo=with_tempo and not clocked)
        self._listening, self._fault, self._begin = False, "", None
        if self._schedule:
            self._schedule.waiting.clear()

    def _leave_source(self) -> None:
        if self._source:
            self._ended.append(self._source)
        self._source = None

    def _end(self, fault: str = "") -> None:
        with self._lock:
            self._leave_source()
            self._late += self._schedule.late if self._schedule else 0
            self._schedule = self._seen = self._begin = None
            self._listening, self._fault = False, fault
            ours, self._ours = self._ours, False
        transport = self._transport()
        if ours and transport and transport.playing:
            now = self._now()
            self._play(TransportEvent(now, "stop", transport.beat_at(now)))

    def on_event(self, event: Event) -> None:
        """Record what others play; stop with their transport and at a panic."""
        if isinstance(event, NoteEvent):
            self.history.add(event)
        elif isinstance(event, TransportEvent):
            self._ours = False
            if event.kind == "stop":
                self._end()
        elif isinstance(event, PanicEvent):
            self._end()

    # State for display

    @property
    def state(self) -> tuple[str, str, int]:
        """Mode, prompt ("" when it continues what was played), and the current bar, from 1."""
        source, schedule = self._source, self._schedule
        if source is None:
            return ("listening" if self._listening else "stopped", self._prompt, 0)
        prompt = self._prompt if isinstance(source, PromptSource) else ""
        return ("playing", prompt, schedule.bar if schedule else 0)

    @property
    def fault(self) -> str:
        """Why the last groove stopped, or was not written; "" if neither."""
        source = self._source
        return self._fault or (source.fault if source else "")

    @property
    def late_bars(self) -> int:
        """Bars that were not ready in time; the previous one was repeated."""
        schedule = self._schedule
        return self._late + (schedule.late if schedule else 0)

    # Generating bars

    def work(self) -> bool:
        """Generate one bar if one is needed; whether there was something to do."""
        self._close_ended()
        if self._listening:
            return self._listen()
        source, schedule, transport = self._source, self._schedule, self._transport()
        if source is None:
            self._wake.clear()
            if self._source or self._listening or self._ended:  # it has just arrived
                self._wake.set()
            return False
        if transport is None or (schedule and len(schedule.waiting) >= READY_BARS):
            return False
        try:
            bar = source.next_bar(transport.bpm, self._settings().drummer)
        except GhostnoteError as error:
            log.warning("%s", error)
            if source is self._source:
                self._end(str(error))
            return True
        with self._lock:
            if source is self._source:
                if self._schedule is None:
                    self._schedule = self._scheduled(bar, transport)
                self._schedule.waiting.append(bar)
        return True

    def _close_ended(self) -> None:
        while self._ended:
            self._ended.popleft().close()

    def _listen(self) -> bool:
        transport = self._transport()
        phrase = self.history.phrase(transport, self._now()) if transport else None
        if phrase is None or transport is None:
            return False
        with self._lock:
            if self._listening:
                self._listening = False
                self._source = ContinueSource(self._models, self._folder, phrase.performance, phrase.bars)
                now = self._now()
                beat = transport.reached(now)
                self._begin = phrase.end + max(0.0, (beat - phrase.end) // BEATS) * BEATS
                if not transport.playing:  # the barlines of what was played become those of the transport
                    self._begin -= phrase.start
                    self._start_transport(now, beat - phrase.start)
        return True

    def _scheduled(self, bar: Bar, transport: Transport) -> Schedule:
        """A new sequence of bars, which begins at the next barline; starts the transport if it is not running."""
        now = self._now()
        schedule = Schedule()
        if self._begin is None and not transport.playing:
            if bar.tempo:
                self._play(SetTempo(bar.tempo))
            self._start_transport(now + START_SECONDS, 0.0)
            self._begin = 0.0
        earliest = transport.reached(now + AHEAD_SECONDS)
        if self._begin is None:
            self._begin = -(-earliest // bar.beats) * bar.beats
        schedule.begin(self._begin)
        return schedule

    def _start_transport(self, at: float, beat: float) -> None:
        self._play(TransportEvent(at, "start", beat))
        self._ours, self._settled = True, self._now() + _SETTLE_SECONDS

    # Playing

    def tick(self) -> None:
        """Send what is due; to be called every `TICK_SECONDS`."""
        with self._lock:
            schedule, transport, now = self._schedule, self._transport(), self._now()
            if schedule is None or transport is None or (now < self._settled and not transport.playing):
                return
            self._look_for_jump(schedule, transport, now)
            for item in schedule.take(transport.reached(now + AHEAD_SECONDS)):
                self._send(item, transport, now)
            bar = schedule.reach(transport.reached(now))
            if bar and bar.tempo and self._source:
                self._source.asks_tempo = None
        if bar and bar.tempo and bar.tempo != transport.bpm:
            self._play(SetTempo(bar.tempo))

    def _look_for_jump(self, schedule: Schedule, transport: Transport, now: float) -> None:
        beat = transport.reached(now)
        if self._seen:
            then, was = self._seen
            if abs(beat - was - (now - then) * transport.bpm / 60) > JUMP_BEATS:
                schedule.jump(beat)
        self._seen = now, beat

    def _send(self, item: Item, transport: Transport, now: float) -> None:
        start, what, performed = item
        feel = self._settings().feel
        if isinstance(what, Stroke):
            beat = what.beat + feel.get("timing", 0.0) * (what.performed_beat - what.beat)
            velocity = what.velocity + feel.get("velocity", 0.0) * (what.performed_velocity - what.velocity)
            event = NoteEvent(transport.time_of(start + beat), what.lane, velocity, performed)
        else:
            event = OpennessEvent(transport.time_of(start), what)
        if event.at >= now - LATE_SECONDS or isinstance(event, OpennessEvent):
            self._play(event)
