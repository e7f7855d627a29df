"""The render thread: hop by hop, a little ahead of the device, every hit at its exact frame.

Positions are absolute. A hit stamped at t is placed at frame F(t) + hop + lead of the sound, F being the device clock
(`server.engine.device_clock`); ghostnote.latency explains the sum. Hop n is rendered as soon as its last hit can have
arrived and written to its own place in the ring buffer: what comes too late is dropped, so the grid never shifts.
After a stall of the machine the hops that have become due go into one call, which takes less time than one for
each. Sound is rendered at the bundle's rate and converted (server.render.resampler) when the device's differs.

In window mode (`server.engine.window_clock`) everything comes four beats later. Then what is to be rendered is known
long before, and many hops go into one call: up to `AHEAD_SECONDS` ahead, hardly more at once than are already ready,
so that a long call does not make the output wait. From live to window nothing is cut: what rings continues, what
waits is played. From window to live, what waits is dropped and what sounds is faded out.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
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
from ghostnote.latency import ARRIVAL_SECONDS, Latency, default_lead
from ghostnote.music.feel import add_feel
from ghostnote.music.grid import HopEvents
from server.audio.output import Output
from server.engine.bundle_swap import NewBundle
from server.engine.clock_sampling import MEAN_SECONDS, ClockSampler
from server.engine.crossfade import Crossfade
from server.engine.device_clock import DeviceClock
from server.engine.inbox import Inbox
from server.engine.live_settings import LiveRenderer, LiveSettings
from server.engine.stats import Stats
from server.engine.timeline import Sounding, Timeline
from server.engine.transport import Transport
from server.engine.whole_windows import WholeWindows
from server.engine.window_clock import Stretch, WindowClock
from server.engine.writer import Writer
from server.render.limiter import Limiter

log = logging.getLogger(__name__)

CATCH_UP_SECONDS: Final = 0.25
"""When further behind than this, the missed hops are skipped."""
CATCH_UP_HOPS: Final = 4
"""The most hops of one call in live mode. On a machine on which one takes 3.4 ms, two take 4.5, four 6.5 and eight 9.8:
more at once would only make the first of them later."""
KEPT_SECONDS: Final = 2.0
AHEAD_SECONDS: Final = 0.25
"""How far ahead sound is rendered in window mode; less than half of the shortest window."""
CHUNK_HOPS: Final = 16
"""The most hops of one call in window mode."""


class Engine:
    """Renders the inbox's events into the output. `render_hop` and `run` belong to one thread, the render thread."""

    def __init__(
        self,
        output: Output,
        inbox: Inbox,
        live: LiveSettings,
        *,
        lead: int | None = None,
        limiter: Limiter | None = None,
        now: Callable[[], float] = time.perf_counter,
        stats: Stats | None = None,
        share: float = 0.0,
    ) -> None:
        """`lead`: frames at the device's rate, None = the default. `limiter`: None = none.

        `share`: of a model that is not causal, from `measure_share`.
        """
        self._output, self._inbox, self.live = output, inbox, live
        self._now = now
        self.stats = stats or Stats()
        self.clock = DeviceClock(output.rate, output.block)
        self.transport = Transport(live.settings.tempo)
        renderer = live.renderer
        self.hop, self._rate = renderer.hop, renderer.sample_rate
        self._writer = Writer(output, self._rate, self.hop, renderer.channels, limiter, self.stats)
        self._ratio = self._writer.ratio
        if lead is None:
            lead = default_lead(self.hop, output.block, output.rate, aligned=self._writer.aligned)
        self._lead = round(lead / self._ratio)
        self.latency = Latency(
            output.rate,
            hop=self.hop * self._ratio,
            lead=self._lead * self._ratio,
            limiter=self._writer.limiter_delay,
            resampler=self._writer.resampler_delay,
            device=output.device_latency,
        )
        if live.settings.mode == "window":
            frames = WindowClock(self._rate, 0, 0.0, self.transport.bpm, share).delay
            self.latency = replace(self.latency, window=frames * self._ratio)
        self._share, self._ended = share, False
        self._n = 0
        """The hop whose last hit arrives next; in live mode the one rendered next."""
        self._next = 0
        """The hop that is rendered next."""
        self._ahead = max(1, round(AHEAD_SECONDS * self._rate / self.hop))
        self._timeline = Timeline()
        self._window: WindowClock | None = None
        self._whole: WholeWindows | None = None
        self._changes: list[Command | ProgramEvent] = []
        self._crossing: Crossfade | None = None
        kept = round(KEPT_SECONDS * self._rate / self.hop)
        self.recent_hops: deque[tuple[int, HopEvents]] = deque(maxlen=kept)
        """The last rendered hops, by number: with them another bundle catches up."""
        self.retired: deque[LiveRenderer] = deque()
        """Renderers that have been replaced and are not yet freed."""
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
        self.live.renderer.reset()
        begun = False
        with ClockSampler(self._output, self._now) as samples:
            while not (stop.is_set() or self._ended) and self._output.alive():
                for sample in samples.take():
                    self.clock.observe(*sample)
                if not self.clock.settled:
                    time.sleep(MEAN_SECONDS)
                elif not begun:
                    self.begin()
                    begun = True
                elif (wait := self.due() - self._now()) > 0:
                    time.sleep(wait)
                else:
                    self.render_hop()
                    self.free()
        if self._whole:
            self._whole.close()

    def end(self) -> None:
        """Let `run` return. Any thread."""
        self._ended = True

    def free(self) -> None:
        """Free a part of a replaced renderer. That stops all threads for two milliseconds, so it follows a hop."""
        if self.retired and not self.retired[0].close():
            self.retired.popleft()

    def begin(self) -> None:
        """Make the next hop the first that can still be ready in time."""
        self._go_to(max(0, self._reached(self._now()) + 1))
        self._set_mode()

    def _reached(self, at: float) -> int:
        """The last hop that is due at time `at`, not counting the delay of its hits on their way here."""
        return int(self.clock.frame_at(at) / self._ratio + self._lead) // self.hop

    def _go_to(self, n: int) -> None:
        self._n = self._next = n
        self._writer.place(n * self.hop)

    def render_hop(self) -> None:
        """Take what has arrived, render what is due and write it to the output."""
        if self._crossing:
            self._crossing.join()
        self._skip_if_far_behind()
        self._receive()
        if self._window:
            end = (self._n + 1) * self.hop
            beat = self.transport.beat_at(self._arrival(end))
            self._stretch(self._window.advance(end, beat, self.transport.bpm, self._next * self.hop))
        if self._window and self._whole:
            self._play_whole(self._window, self._whole)
        else:
            self._render(self._due_hops())
        self._n = self._n + 1 if self._window else self._next
        self.stats.ring_fill = self._writer.ready / self._rate

    def _due_hops(self) -> int:
        if self._window is None:
            return min(max(1, self._reached(self._now() - ARRIVAL_SECONDS) - self._n + 1), CATCH_UP_HOPS)
        ready = self._next - self._n
        wanted = min(CHUNK_HOPS, ready + 2)
        return wanted if ready == 0 or ready + wanted <= self._ahead else 0

    def _render(self, hops: int) -> None:
        if not hops:
            return
        events = [self._collect(self._next + n) for n in range(hops)]
        start = time.perf_counter()
        audio = (self._crossing or self.live.renderer).render(events)
        self.recent_hops.extend(enumerate(events, self._next))
        if self._crossing and self._crossing.done:
            self._retire()
        self._next += hops
        self._writer.put(audio)
        self.stats.rendered(time.perf_counter() - start, hops)

    def _play_whole(self, window: WindowClock, whole: WholeWindows) -> None:
        """Start rendering what is known by now, and write what is ready to the output."""
        hops = window.known // self.hop - self._next
        if hops > 0:
            whole.submit([self._collect(self._next + n) for n in range(hops)])
            self._next += hops
        self._writer.put(whole.take(max(0, round(self._ahead * self.hop - self._writer.ready))))

    def _skip_if_far_behind(self) -> None:
        behind = -self._writer.ready
        if behind <= CATCH_UP_SECONDS * self._rate:
            return
        hops = int(behind) // self.hop
        log.info("%d hops behind: skipped", hops)
        self._writer.count_dropped(behind * self._ratio)
        self._forget()
        if self._whole:
            self.stats.lost_hits += self._timeline.clear()
            self.begin()
        else:
            self._go_to(self._next + hops)
            self.stats.lost_hits += self._timeline.drop(self._n * self.hop)

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
                case NewBundle():
                    self._adopt(item)
                case _:
                    self._changes.append(item)
        if self._changes and not (self._whole and self._whole.busy):
            changes, self._changes = self._changes, []
            for change in changes:
                self._change(change)

    def _feel(self, hit: NoteEvent) -> NoteEvent:
        beat = self.transport.beat_at(hit.at)
        return add_feel(hit, self.live.settings.feel, beat, self.transport.bpm, self._random)

    def _change(self, change: Command | ProgramEvent) -> None:
        mode = self.live.settings.mode
        is_program = isinstance(change, ProgramEvent)
        applied = self.live.program(change) if is_program else self.live.apply(change)
        self.stats.refused += not applied
        if applied and isinstance(change, SetTempo):
            self.transport.set_tempo(self._now(), change.bpm)
        if self.live.settings.mode != mode:
            self.stats.mode_changes += 1
            self._set_mode()

    def _set_mode(self) -> None:
        """Switch to the mode of the settings."""
        renderer = self.live.renderer
        if self.live.settings.mode == "window":
            frame = self._n * self.hop
            beat = self.transport.beat_at(self._arrival(frame))
            self._window = WindowClock(self._rate, frame, beat, self.transport.bpm, self._share)
            if not renderer.causal and not self._whole:
                self._whole = WholeWindows(renderer, self.stats.rendered)
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
        behind = [events for n, events in self.recent_hops if n >= new.next_hop]
        self._crossing = Crossfade(self.live.renderer, new.renderer, behind, new.helper)
        self.live.use(new.renderer, new.settings)
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
        too_old = late > CATCH_UP_SECONDS * self._rate
        if self._timeline.full or (too_old and is_hit):
            self.stats.lost_hits += is_hit
            return
        self.stats.hits += is_hit
        self.stats.late_hits += is_hit and late > 0
        self._timeline.add(max(frame, self._next * self.hop), event)

    def _collect(self, n: int) -> HopEvents:
        """The events of hop n, with the beat that the player intended."""
        start = n * self.hop
        hits, chokes = self._timeline.take(start, start + self.hop)
        if self._window:
            beat, bpm = self._window.music(start)
        else:
            beat, bpm = self.transport.beat_at(self._arrival(start)), self.transport.bpm
        return HopEvents(hits, chokes, self._timeline.openness, beat, bpm)

    def silence(self) -> None:
        """Panic: drop what waits and what rings. The hop being played is faded out."""
        self.stats.lost_hits += self._timeline.clear()
        self._forget()
        self._writer.fade_out()

    def _forget(self) -> None:
        self._retire()
        self.recent_hops.clear()
        if self._whole:
            self._whole.clear()
            self._writer.place(self._next * self.hop)
        self.live.renderer.reset()
        self._writer.forget()
