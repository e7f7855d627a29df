"""The server put together: bundle, MIDI ports, OSC, render thread and audio output, from start to Ctrl-C.

Threads: render (the engine), MIDI (rtmidi's own), MIDI ports, MIDI out, OSC, perhaps a groove; the main thread looks
after the output once a second. When the device or its server goes, the main thread opens it again as soon as it is
back, with all settings as they were.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, cast

from bridge.jack_ports import JackPorts, jack_available
from bridge.midi_decode import MidiDecoder
from bridge.midi_echo import MidiEcho
from bridge.midi_ports import MidiPorts
from bridge.osc_server import OscServer
from bridge.oscquery import OscQueryServer
from ghostnote.bundle import bundle_folder
from ghostnote.errors import GhostnoteError, MissingError
from ghostnote.events import Command, Event, PanicEvent
from ghostnote.grid import HopEvents
from ghostnote.groove_file import read_groove_file
from ghostnote.latency import Latency
from ghostnote.midi_map import load_map
from ghostnote.osc_schema import State, Value
from ghostnote.preset import Preset
from server import audio
from server.control import Control, Renders
from server.engine import Engine
from server.groove_loop import GrooveLoop
from server.inbox import Inbox
from server.limiter import Limiter
from server.output import Output
from server.realtime import OTHER_PRIORITY, RENDER_PRIORITY, prepare_process, prioritise_thread
from server.renderer import load_renderer
from server.resume import restart_process, take_resumed
from server.serve_config import ServeConfig, groove_path
from server.stats import CpuMeter, Stats

log = logging.getLogger(__name__)

ALSA_SEQUENCER: Final = Path("/dev/snd/seq")
WARM_UP_HOPS: Final = 40
STALLED_SECONDS: Final = 1.0
"""A device that takes nothing for so long is gone."""
LOOK_SECONDS: Final = 0.25
CLOSE_SECONDS: Final = 2.0


@dataclass(frozen=True)
class ServerInfo:
    """What there is to say once the server is ready."""

    config: ServeConfig
    bundle: str
    kits: tuple[str, ...]
    provider: str
    output: str
    block: int
    bundle_rate: int
    hop: int
    """Frames at the bundle's rate."""
    latency: Latency
    through_jack: bool
    """Hosts on the same JACK server take our output before the device."""
    midi_in: str
    """"" where there is no MIDI; then `midi_fault` says why."""
    midi_out: str
    midi_fault: str
    osc: tuple[str, int]
    priority: str


class PlaysLive(Renders, Protocol):
    """A renderer that says what it is."""

    drummers: tuple[str, ...]
    provider: str
    """The execution provider that really runs."""

    @property
    def manifest(self) -> "Named":
        """What it plays; at least its name."""
        ...


class Named(Protocol):
    """Something with a name."""

    @property
    def name(self) -> str:
        """The name."""
        ...


def load_bundle(config: ServeConfig) -> PlaysLive:
    """The renderer of the bundle that `config` names. Raises BundleError, MissingError, InputError."""
    return load_renderer(bundle_folder(config.bundle or None), threads=config.threads, provider=config.provider)


class _Player(Protocol):
    def start(self) -> None: ...
    def stop(self) -> None: ...


class Server:
    """One running server. `open` once, then `run`; `close` in any case."""

    def __init__(self, config: ServeConfig, load: Callable[[ServeConfig], PlaysLive]) -> None:
        """`load` makes the renderer. Raises GhostnoteError."""
        self.config = config
        self.renderer = load(config)
        self.inbox, self.stats = Inbox(), Stats()
        self._resumed = take_resumed()
        settings = self._resumed or Preset(
            bundle=self.renderer.manifest.name,
            kit={config.kit: 1.0} if config.kit else {},
            midi_map=config.midi_map,
            output=config.device,
        )
        self.control = Control(self.renderer, settings)
        self.stop = threading.Event()
        self.must_restart = False
        """PortAudio hangs in a device that is gone, so that only a new process can go on."""
        self.engine: Engine | None = None
        self._output: Output | None = None
        self._device: audio.DeviceInfo | None = None
        self._thread: threading.Thread | None = None
        self._xruns = self._lost_devices = 0
        self._cpu, self._cpu_percent = CpuMeter(), 0.0
        self._priority = ""
        self._midi_fault = ""
        self._ports: MidiPorts | JackPorts | None = None
        self._echo: MidiEcho | None = None
        self._osc: OscServer | None = None
        self._stack = ExitStack()

    # Start and end

    def open(self) -> ServerInfo:
        """Warm up, then open device, ports and OSC. Raises GhostnoteError where something needed is not there."""
        config = self.config
        device = self._find_device()
        self.renderer.render([HopEvents()] * 2)
        for _ in range(WARM_UP_HOPS):
            self.renderer.render([HopEvents()])
        self.renderer.reset()
        prioritise_thread(OTHER_PRIORITY)
        self._osc = OscServer(self._sink, self.state, config.osc_host, config.osc_port)
        self._start(self._osc)
        self._start(OscQueryServer(self.state, self._osc.address, advertise=config.discover))
        self._open_midi(device)
        self._start_engine(device)
        prepare_process()
        if config.play:
            self._start(GrooveLoop(read_groove_file(groove_path(config.play)), self._sink_and_echo))
        return self.info()

    def _find_device(self) -> audio.DeviceInfo:
        while True:
            try:
                return audio.find_output(self.config.device or None)
            except GhostnoteError:
                if self._resumed is None or self.stop.wait(1):
                    raise
            audio.restart()

    def _start(self, part: _Player) -> None:
        part.start()
        self._stack.callback(part.stop)

    def _open_midi(self, device: audio.DeviceInfo) -> None:
        midi_map = load_map(self.config.midi_map)
        decoder = MidiDecoder(midi_map)

        def receive(at: float, data: bytes) -> None:
            for event in decoder.feed(at, data):
                self._sink_and_echo(event)

        source, api = self.config.midi or None, self.config.midi_api
        if api == "auto" and device.is_jack and not ALSA_SEQUENCER.exists():
            api = "jack"
        by_jack = api == "jack" and jack_available()
        ports = JackPorts(receive, self._panic, source) if by_jack else MidiPorts(receive, self._panic, source, api)
        try:
            ports.start()
        except MissingError as error:
            if self.config.midi:
                raise
            self._midi_fault = str(error)
            log.warning("no MIDI: %s", error)
            return
        self._stack.callback(ports.stop)
        self._ports, self._echo = ports, MidiEcho(ports.send, midi_map)
        self._start(self._echo)

    def _start_engine(self, device: audio.DeviceInfo) -> None:
        rate = self.config.rate or self.renderer.sample_rate
        output = audio.open_output(device, rate, self.config.block, self.config.backend or None)
        lead = round(self.config.lead_ms * output.rate / 1000) or None
        limiter = Limiter(self.renderer.sample_rate, self.renderer.channels)
        self.engine = Engine(
            self.renderer, output, self.inbox, self.control, lead=lead, limiter=limiter, stats=self.stats
        )
        self._output, self._device = output, device
        self._thread = threading.Thread(target=self._render, args=(self.engine,), name="render", daemon=True)
        self._thread.start()

    def _render(self, engine: Engine) -> None:
        self._priority = prioritise_thread(RENDER_PRIORITY)
        try:
            engine.run(self.stop)
        except Exception:
            log.exception("the render thread ended")
            self.stop.set()

    def close(self) -> None:
        """End every thread and free devices and ports."""
        self.stop.set()
        if self._thread:
            self._thread.join()
        self._stack.close()
        if self._output:
            self._output.close()

    def run(self) -> None:
        """Look after the output until `stop` is set; opens it again whenever it was lost."""
        consumed, moved = -1, time.perf_counter()
        while not self.stop.wait(LOOK_SECONDS):
            output = self._output
            self._cpu_percent = self._cpu.percent()
            if output is None:
                self._reopen()
                consumed, moved = -1, time.perf_counter()
                continue
            if output.consumed() != consumed:
                consumed, moved = output.consumed(), time.perf_counter()
            if not output.alive() or time.perf_counter() - moved > STALLED_SECONDS:
                self._lose(output)
            else:
                self._xruns = output.tend()

    def _lose(self, output: Output) -> None:
        log.warning("the output %s is gone: waiting for it", output.name)
        self._lost_devices += 1
        if self._thread and self.engine:
            self.engine.end()
            self._thread.join()
        self._output = None
        closing = threading.Thread(target=output.close, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        if closing.is_alive():
            self.must_restart = True
            self.stop.set()

    def _reopen(self) -> None:
        wanted = self.config.device or (self._device.name if self._device else None)
        try:
            audio.restart()
            self._start_engine(audio.find_output(wanted))
        except GhostnoteError as error:
            log.debug("%s", error)
            self.stop.wait(1 - LOOK_SECONDS)
        else:
            log.warning("the output is back")

    # What others see and send

    def _sink(self, item: Event | Command) -> None:
        self.inbox.put(item)

    def _sink_and_echo(self, event: Event | Command) -> None:
        self.inbox.put(event)
        if self._echo:
            self._echo.play(cast(Event, event))

    def _panic(self) -> None:
        self.inbox.put(PanicEvent(time.perf_counter()))

    def info(self) -> ServerInfo:
        """What to show once `open` has returned."""
        assert (
            self.engine is not None and self._output is not None and self._device is not None and self._osc is not None
        )
        names = self._ports.names if self._ports else ("", "")
        return ServerInfo(
            config=self.config,
            bundle=self.renderer.manifest.name,
            kits=self.renderer.kits,
            provider=self.renderer.provider,
            output=self._output.name,
            block=self._output.block,
            bundle_rate=self.renderer.sample_rate,
            hop=self.renderer.hop,
            latency=self.engine.latency,
            through_jack=self._device.is_jack,
            midi_in=names[0],
            midi_out=names[1],
            midi_fault=self._midi_fault,
            osc=self._osc.address,
            priority=self._priority,
        )

    def state(self) -> State:
        """A snapshot for OSC. Any thread."""
        engine = self.engine
        transport = engine.transport if engine else None
        latency = engine.latency if engine else None
        return State(
            settings=self.control.settings,
            kits=self.renderer.kits,
            drummers=self.renderer.drummers,
            preset=self.control.preset,
            transport="start" if transport and transport.playing else "stop",
            beat=transport.beat_at(time.perf_counter()) if transport else 0.0,
            latency=round(latency.total) if latency else 0,
            sample_rate=latency.rate if latency else self.renderer.sample_rate,
            status=self.status(),
        )

    def status(self) -> dict[str, Value]:
        """Figures of the engine by name."""
        stats, engine, output = self.stats, self.engine, self._output
        p50, p99, worst = stats.render_seconds()
        figures: dict[str, Value] = {
            "output": output.name if output else "none",
            "provider": self.renderer.provider,
            "bundle": self.renderer.manifest.name,
            "midi_in": self._ports.names[0] if self._ports else "",
            "xruns": self._xruns,
            "late_hops": stats.late_hops,
            "dropped_frames": stats.dropped_frames,
            "hops": stats.hops,
            "hits": stats.hits,
            "late_hits": stats.late_hits,
            "lost_hits": stats.lost_hits,
            "refused": stats.refused,
            "queue_depth": len(self.inbox),
            "queue_dropped": self.inbox.dropped,
            "pending": engine.pending if engine else 0,
            "render_p50_ms": round(1000 * p50, 3),
            "render_p99_ms": round(1000 * p99, 3),
            "render_max_ms": round(1000 * worst, 3),
            "ring_fill_ms": round(1000 * stats.ring_fill, 3),
            "cpu_percent": round(self._cpu_percent, 1),
            "lost_devices": self._lost_devices,
            "priority": self._priority,
        }
        if engine:
            latency = engine.latency
            figures |= {
                f"{part}_latency_ms": round(latency.milliseconds(getattr(latency, part)), 3)
                for part in ("hop", "lead", "limiter", "resampler", "device", "engine", "total")
            }
            figures |= {
                "rate": latency.rate,
                "block": output.block if output else 0,
                "drift_ppm": round(engine.clock.drift_ppm, 1),
                "clock_jumps": engine.clock.jumps,
            }
        return figures


def serve(
    config: ServeConfig,
    announce: Callable[[ServerInfo], None] = lambda info: None,
    load: Callable[[ServeConfig], PlaysLive] = load_bundle,
) -> int:
    """Serve until Ctrl-C or SIGTERM; `announce` is called once everything is open. Returns 0. Raises GhostnoteError.

    To be called by the main thread, which alone may take signals.
    """
    server = Server(config, load)
    signal.signal(signal.SIGTERM, lambda number, frame: server.stop.set())
    try:
        info = server.open()
        announce(info)
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        server.close()
    prioritise_thread(0)
    if server.must_restart:
        restart_process(server.control.settings)
    return 0
