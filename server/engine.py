"""The render thread: hop by hop, a little ahead of the device, every hit at its exact frame.

Positions are absolute. A hit stamped at t is placed at frame F(t) + hop + lead of the sound, F being the device clock
(`server.clock`); ghostnote.latency explains the sum. Hop n is rendered as soon as its last hit can have arrived and
written to its own place in the play ring: what comes too late is dropped there, so the grid never shifts. Sound is
rendered at the bundle's rate and converted (server.resampler) when the device's differs.
"""

import heapq
import logging
import threading
import time
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

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
from ghostnote.grid import HopEvents, HopHit
from ghostnote.latency import ARRIVAL_SECONDS, Latency, default_lead
from server.clock import DeviceClock
from server.control import Control
from server.feel import add_feel
from server.inbox import Inbox
from server.limiter import Limiter
from server.output import Output
from server.resampler import Resampler
from server.stats import Stats
from server.transport import Transport

log = logging.getLogger(__name__)

MAX_PENDING: Final = 4096
"""Hits that may wait for their hop."""
CATCH_UP_SECONDS: Final = 0.25
"""Further behind than this the missed hops are skipped, not rendered."""

Audio = NDArray[np.float32]
Placed = tuple[int, int, NoteEvent | ChokeEvent | OpennessEvent]
"""Frame, order of arrival, event."""


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
        )
        self._ended = False
        self._n = 0
        self._written = 0
        self._pending: list[Placed] = []
        self._arrivals = 0
        self._openness = 0.0
        self._random = np.random.default_rng(0)

    @property
    def pending(self) -> int:
        """Hits and pedal movements that wait for their hop."""
        return len(self._pending)

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
        self._n = max(0, int(reached) // self.hop + 1)
        self._written = round(self._n * self.hop * self._ratio)

    def observe(self) -> None:
        """Look at the device: tell the clock how far it is."""
        consumed = self._output.consumed()
        self.clock.observe(self._now(), consumed)

    def render_hop(self) -> None:
        """Take what has arrived, render the next hop and put it in its place."""
        self._skip_if_far_behind()
        self._receive()
        events = self._collect()
        start = time.perf_counter()
        audio = self.control.renderer.render([events])
        if self._limiter:
            audio = self._limiter.process(audio)
        if self._resampler:
            audio = self._resampler(audio)
        self.stats.rendered(time.perf_counter() - start)
        dropped = self._output.write(self._written, audio)
        self._written += len(audio)
        if dropped:
            self.stats.late_hops += 1
            self.stats.dropped_frames += dropped
        self.stats.ring_fill = (self._written - self._output.consumed()) / self._output.rate
        self._n += 1

    def _skip_if_far_behind(self) -> None:
        behind = self._output.consumed() - self._written
        if behind <= CATCH_UP_SECONDS * self._output.rate:
            return
        hops = int(behind / self._ratio) // self.hop
        log.info("%d hops behind: skipped", hops)
        self._n += hops
        self._written = round(self._n * self.hop * self._ratio)
        if self._resampler:
            self._resampler = Resampler(
                self.control.renderer.sample_rate, self._output.rate, self.control.renderer.channels
            )
        self.stats.late_hops += hops
        self.stats.dropped_frames += behind
        while self._pending and self._pending[0][0] < self._n * self.hop:
            self.stats.lost_hits += isinstance(heapq.heappop(self._pending)[2], NoteEvent)
        self._forget()

    def _receive(self) -> None:
        for item in self._inbox.take():
            match item:
                case NoteEvent():
                    self._place(self._feel(item))
                case ChokeEvent() | OpennessEvent():
                    self._place(item)
                case PanicEvent():
                    self.silence()
                case ClockEvent():
                    self.transport.clock(item)
                case TransportEvent():
                    self.transport.transport(item)
                case ProgramEvent():
                    self.stats.refused += not self.control.program(item)
                case _:
                    self._command(item)

    def _feel(self, hit: NoteEvent) -> NoteEvent:
        beat = self.transport.beat_at(hit.at)
        return add_feel(hit, self.control.settings.feel, beat, self.transport.bpm, self._random)

    def _command(self, command: Command) -> None:
        applied = self.control.apply(command)
        self.stats.refused += not applied
        if applied and isinstance(command, SetTempo):
            self.transport.set_tempo(self._now(), command.bpm)

    def _place(self, event: NoteEvent | ChokeEvent | OpennessEvent) -> None:
        frame = round(self.clock.frame_at(event.at) / self._ratio) + self.hop + self._lead
        late = self._n * self.hop - frame
        is_hit = isinstance(event, NoteEvent)
        too_old = late > CATCH_UP_SECONDS * self.control.renderer.sample_rate
        if len(self._pending) >= MAX_PENDING or (too_old and is_hit):
            self.stats.lost_hits += is_hit
            return
        self.stats.hits += is_hit
        self.stats.late_hits += is_hit and late > 0
        self._arrivals += 1
        heapq.heappush(self._pending, (max(frame, self._n * self.hop), self._arrivals, event))

    def _collect(self) -> HopEvents:
        """What belongs to hop n, in order of time."""
        start = self._n * self.hop
        hits: list[HopHit] = []
        chokes: list[int] = []
        while self._pending and self._pending[0][0] < start + self.hop:
            frame, _, event = heapq.heappop(self._pending)
            match event:
                case NoteEvent(_, lane, velocity):
                    hits.append(HopHit(lane, frame - start, velocity))
                case ChokeEvent(_, lane):
                    chokes.append(lane)
                case OpennessEvent(_, value):
                    self._openness = value
        # The beat that the player meant: hits of this hop arrived hop + lead before its frames are heard.
        heard = self.clock.time_of((start - self.hop - self._lead) * self._ratio)
        return HopEvents(
            tuple(hits), tuple(chokes), self._openness, beat=self.transport.beat_at(heard), bpm=self.transport.bpm
        )

    def silence(self) -> None:
        """Panic: forget what waits and what rings. The hop on its way is faded out."""
        self.stats.lost_hits += sum(isinstance(event, NoteEvent) for _, _, event in self._pending)
        self._pending.clear()
        self._openness = 0.0
        self._forget()
        self._output.fade_out()

    def _forget(self) -> None:
        self.control.renderer.reset()
        if self._limiter:
            self._limiter.reset()
