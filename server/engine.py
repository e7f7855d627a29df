"""The render thread: hop by hop, a little ahead of the device, every hit at its exact frame.

Positions are absolute. A hit stamped at t is placed at frame F(t) + hop + lead of the sound, F being the device clock
(`server.clock`); ghostnote.latency explains the sum. Hop n is rendered as soon as its last hit can have arrived and
written to its own place in the play ring: what comes too late is dropped there, so the grid never shifts. Sound is
rendered at the bundle's rate and converted (server.resampler) when the device's differs.

In window mode (`server.window`) everything comes four beats later. Then what is to be rendered is known long before,
and many hops go into one call: up to `AHEAD_SECONDS` before their time, hardly more at once than are ready already, so
that a long call does not make the output wait. From live to window nothing is cut: what rings goes on, what waits is
played. From window to live, what waits is forgotten and what sounds is faded out.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from math import ceil
from typing import Final

import numpy as np

from ghostnote.events import (
    ChokeEvent,
    ClockEvent,
    Command,
    NoteEvent,
    OpennessEvent,
    PanicEvent,
    ProgramEvent,
    SetTempo,
    TransportEvent,
)
from ghostnote.grid import HopEvents
from ghostnote.latency import ARRIVAL_SECONDS, Latency, default_lead
from server.bundle_swap import NewBundle
from server.clock import DeviceClock
from server.control import Control, Renders
from server.crossing import Crossing
from server.feel import add_feel
from server.inbox import Inbox
from server.limiter import Limiter
from server.output import Output
from server.resampler import Resampler
from server.stats import Stats
from server.timeline import Sounding, Timeline
from server.transport import Transport
from server.window import Stretch, WindowClock, window_frames

log = logging.getLogger(__name__)

CATCH_UP_SECONDS: Final = 0.25
"""Further behind than this the missed hops are skipped, not rendered."""
KEPT_SECONDS: Final = 2.0
AHEAD_SECONDS: Final = 0.25
"""Sound that is ready before its time in window mode; less than half of the shortest window."""
CHUNK_HOPS: Final = 16
"""The most hops of one call in window mode."""


class Engine:
    """Renders what the inbox brings into the output. `render_hop` and `run` belong to one thread, the render thread."""

    def __init__(
        self,
        output: Output,
        inbox: Inbox,
        control: Control,
        *,
        lead: int | None = None,
        limiter: Limiter | None = None,
        now: Callable[[], float] = time.perf_counter,
        stats: Stats | None = None,
    ) -> None:
        """`lead`: frames at the device's rate, None = the default. `limiter`: None = none."""
        self._output, self._inbox, self.control = output, inbox, control
        renderer = control.renderer
        self._limiter, self._now = limiter, now
        self.stats = stats or Stats()
        self.clock = DeviceClock(output.rate, output.block)
        self.transport = Transport(control.settings.tempo)
        self.hop = renderer.hop
        same = output.rate == renderer.sample_rate
        self._ratio = output.rate / renderer.sample_rate
        self._resampler = None if same else Resampler(renderer.sample_rate, output.rate, renderer.channels)
        if lead is None:
            lead = default_lead(self.hop, output.block, output.rate, aligned=same)
        self._lead = round(lead / self._ratio)
        self.latency = Latency(
            output.rate,
            hop=self.hop * self._ratio,
            lead=self._lead * self._ratio,
            limiter=limiter.lookahead * self._ratio if limiter else 0,
            resampler=self._resampler.delay if self._resampler else 0,
            device=output.device_latency,
            window=window_frames(self.transport.bpm, renderer.sample_rate) * self._ratio
            if control.settings.mode == "window"
            else 0,
        )
        self._ended = False
        self._n = 0
        """The hop whose last hit arrives next; in live mode the one rendered next."""
        self._next = 0
        """The hop that is rendered next."""
        self._written = 0
        """Frame of the output at which it begins."""
        self._ahead = max(1, round(AHEAD_SECONDS * renderer.sample_rate / self.hop))
        self._timeline = Timeline()
        self._window: WindowClock | None = None
        self._crossing: Crossing | None = None
        kept = round(KEPT_SECONDS * renderer.sample_rate / self.hop)
        self.heard: deque[tuple[int, HopEvents]] = deque(maxlen=kept)
        """The last hops that were rendered, by number: from them another bundle learns what rings."""
        self.retired: deque[Renders] = deque()
        """Renderers that play no more; whoever takes them closes them."""
        self._random = np.random.default_rng(0)

    @property
    def pending(self) -> int:
        """Hits, chokes and pedal movements that wait for their hop."""
        return len(self._timeline)

    def due(self) -> float:
        """Time at which the next hop should be rendered: its last hit has arrived, allowing for its way here."""
        frame = (self._n * self.hop - self._lead) * self._ratio
        return self.clock.time_of(frame) + ARRIVAL_SECONDS

    def run(self, stop: threading.Event) -> None:
        """Render until `stop` is set or the output is gone."""
        self.control.renderer.reset()
        while not self.clock.settled:
            if stop.is_set() or self._ended or not self._output.alive():
                return
            time.sleep(2 * self._output.block / self._output.rate * self._random.random())
            self.observe()
        self.begin()
        while not (stop.is_set() or self._ended) and self._output.alive():
            wait = self.due() - self._now()
            if wait > 0:
                # The look at a random moment before the deadline is what shows the clock all phases of the block.
                early = wait * self._random.random()
                time.sleep(early)
                self.observe()
                time.sleep(max(0.0, self.due() - self._now()))
            self.render_hop()

    def end(self) -> None:
        """Let `run` return. Any thread."""
        self._ended = True

    def begin(self) -> None:
        """Make the next hop the first that can still be ready in time."""
        reached = self.clock.frame_at(self._now()) / self._ratio + self._lead
        self._go_to(max(0, int(reached) // self.hop + 1))
        self._set_mode()

    def _go_to(self, n: int) -> None:
        self._n = self._next = n
        self._written = round(n * self.hop * self._ratio)
        if self._resampler:
            self._resampler = Resampler(
                self.control.renderer.sample_rate, self._output.rate, self.control.renderer.channels
            )

    def observe(self) -> None:
        """Look at the device: tell the clock how far it is."""
        consumed = self._output.consumed()
        self.clock.observe(self._now(), consumed)

    def render_hop(self) -> None:
        """Take what has arrived, render what is due and put it in its place."""
        self._skip_if_far_behind()
        self._receive()
        if self._window:
            end = (self._n + 1) * self.hop
            beat = self.transport.beat_at(self._arrival(end))
            self._stretch(self._window.advance(end, beat, self.transport.bpm, self._next * self.hop))
        self._render(self._due_hops())
        self._n += 1
        self.stats.ring_fill = (self._written - self._output.consumed()) / self._output.rate

    def _due_hops(self) -> int:
        if self._window is None:
            return 1
        ready = self._next - self._n
        wanted = min(CHUNK_HOPS, ready + 2)
        return wanted if ready == 0 or ready + wanted <= self._ahead else 0

    def _render(self, hops: int) -> None:
        if not hops:
            return
        events = [self._collect(self._next + n) for n in range(hops)]
        start = time.perf_counter()
        audio = (self._crossing or self.control.renderer).render(events)
        self.heard.extend(enumerate(events, self._next))
        if self._crossing and self._crossing.done:
            self._retire()
        if self._limiter:
            audio = self._limiter.process(audio)
        if self._resampler:
            audio = self._resampler(audio)
        self.stats.rendered(time.perf_counter() - start, hops)
        dropped = self._output.write(self._written, audio)
        self._next += hops
        self._written += len(audio)
        if dropped:
            self.stats.late_hops += ceil(dropped / (self.hop * self._ratio))
            self.stats.dropped_frames += dropped

    def _skip_if_far_behind(self) -> None:
        behind = self._output.consumed() - self._written
        if behind <= CATCH_UP_SECONDS * self._output.rate:
            return
        hops = int(behind / self._ratio) // self.hop
        log.info("%d hops behind: skipped", hops)
        self._go_to(self._next + hops)
        self.stats.late_hops += hops
        self.stats.dropped_frames += behind
        self.stats.lost_hits += self._timeline.drop(self._n * self.hop)
        self._forget()

    def _receive(self) -> None:
        for item in self._inbox.take():
            match item:
                case NoteEvent():
                    self._add(self._feel(item))
                case ChokeEvent() | OpennessEvent():
                    self._add(item)
                case PanicEvent():
                    self.silence()
                case ClockEvent():
                    self.transport.clock(item)
                case TransportEvent():
                    self._transport(item)
                case ProgramEvent():
                    self.stats.refused += not self.control.program(item)
                case NewBundle():
                    self._adopt(item)
                case _:
                    self._command(item)

    def _feel(self, hit: NoteEvent) -> NoteEvent:
        beat = self.transport.beat_at(hit.at)
        return add_feel(hit, self.control.settings.feel, beat, self.transport.bpm, self._random)

    def _command(self, command: Command) -> None:
        mode = self.control.settings.mode
        applied = self.control.apply(command)
        self.stats.refused += not applied
        if applied and isinstance(command, SetTempo):
            self.transport.set_tempo(self._now(), command.bpm)
        if self.control.settings.mode != mode:
            self.stats.mode_changes += 1
            self._set_mode()

    def _set_mode(self) -> None:
        """Begin to play in the mode that the settings ask for."""
        if self.control.settings.mode == "window":
            frame = self._n * self.hop
            beat = self.transport.beat_at(self._arrival(frame))
            self._window = WindowClock(self.control.renderer.sample_rate, frame, beat, self.transport.bpm)
        elif self._window:
            self._window = None
            self.silence()
            self._go_to(self._n)
        self._declare()

    def _declare(self) -> None:
        window = self._window.delay * self._ratio if self._window else 0
        if window != self.latency.window:
            self.latency = replace(self.latency, window=window)

    def _adopt(self, new: NewBundle) -> None:
        self._retire()
        behind = [events for n, events in self.heard if n >= new.next_hop]
        self._crossing = Crossing(self.control.renderer, new.renderer, behind, new.helper)
        self.control.use(new.renderer, new.settings)
        self.stats.bundle_changes += 1

    def _retire(self) -> None:
        if self._crossing:
            self.retired.append(self._crossing.old)
            self._crossing.close()
            self._crossing = None

    def _transport(self, event: TransportEvent) -> None:
        self.transport.transport(event)
        if self._window:
            frame = self._place(event.at)
            self._stretch(self._window.begin(frame, event.beat, self.transport.bpm, self._next * self.hop))

    def _stretch(self, stretch: Stretch | None) -> None:
        if stretch:
            self._timeline.move(stretch)
            self._declare()

    def _place(self, at: float) -> int:
        """The frame at which a hit of time `at` is to sound in live mode."""
        return round(self.clock.frame_at(at) / self._ratio) + self.hop + self._lead

    def _arrival(self, frame: int) -> float:
        """The time at which a hit arrives that live mode plays at `frame`."""
        return self.clock.time_of((frame - self.hop - self._lead) * self._ratio)

    def _add(self, event: Sounding) -> None:
        frame = self._place(event.at) + (self._window.delay if self._window else 0)
        late = self._next * self.hop - frame
        is_hit = isinstance(event, NoteEvent)
        too_old = late > CATCH_UP_SECONDS * self.control.renderer.sample_rate
        if self._timeline.full or (too_old and is_hit):
            self.stats.lost_hits += is_hit
            return
        self.stats.hits += is_hit
        self.stats.late_hits += is_hit and late > 0
        self._timeline.add(max(frame, self._next * self.hop), event)

    def _collect(self, n: int) -> HopEvents:
        """What belongs to hop n, with the beat that the player meant."""
        start = n * self.hop
        hits, chokes = self._timeline.take(start, start + self.hop)
        if self._window:
            beat, bpm = self._window.music(start)
        else:
            beat, bpm = self.transport.beat_at(self._arrival(start)), self.transport.bpm
        return HopEvents(hits, chokes, self._timeline.openness, beat, bpm)

    def silence(self) -> None:
        """Panic: forget what waits and what rings. The hop on its way is faded out."""
        self.stats.lost_hits += self._timeline.clear()
        self._forget()
        self._output.fade_out()

    def _forget(self) -> None:
        self._retire()
        self.heard.clear()
        self.control.renderer.reset()
        if self._limiter:
            self._limiter.reset()
