"""The composition root of the server: bundle, MIDI ports, OSC, render thread and audio output, until Ctrl-C.

Threads: render (the engine), bundle (loads the next one), MIDI (rtmidi's own), MIDI ports, MIDI out, OSC, grooves;
the main thread watches the output (server.playback).
"""

import logging
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from bridge.midi.decode import MidiDecoder
from bridge.midi.echo import MidiEcho
from bridge.midi.jack_ports import JackPorts, jack_available
from bridge.midi.ports import Ports
from bridge.midi.rtmidi_ports import MidiPorts
from bridge.osc.query import OscQueryServer
from bridge.osc.server import OscServer
from ghostnote.errors import MissingError
from ghostnote.events import Command, Event, GrooveCommand, LoadBundle, NoteEvent, PanicEvent
from ghostnote.files.bundle import bundle_folder, bundle_names
from ghostnote.files.groove import groove_path, read_groove_file
from ghostnote.files.midi_map import load_map
from ghostnote.latency import Latency
from ghostnote.music.feel import DRUMMERS
from ghostnote.osc.free_port import free_port
from ghostnote.osc.schema import ServerSnapshot, Value
from ghostnote.osc.table import BUNDLE, GROOVE_PROMPT, RECORD
from server.audio.meters import Meters
from server.audio.portaudio import DeviceInfo
from server.audio.recorder import Recorder
from server.config import ServeConfig, start_settings
from server.engine.bundle_swap import BundleSwap, NewBundle, warm_up
from server.engine.inbox import Inbox
from server.engine.live_feel import LiveFeel
from server.engine.live_settings import LiveRenderer, LiveSettings
from server.engine.transport import Transport
from server.grooves.drummer_models import DrummerModels
from server.grooves.grooves import Grooves
from server.grooves.loop import GrooveLoop
from server.grooves.sources import GrooveFolder
from server.playback import Playback
from server.render.bundle import load_renderer
from server.system.malloc import keep_freed_memory
from server.system.restart import restart_process, take_resumed
from server.system.scheduling import OTHER_PRIORITY, prepare_process, prioritise_thread, use_huge_pages

log = logging.getLogger(__name__)

ALSA_SEQUENCER: Final = Path("/dev/snd/seq")


@dataclass(frozen=True)
class ServerInfo:
    """What to announce once the server is ready."""

    config: ServeConfig
    bundle: str
    kits: tuple[str, ...]
    provider: str
    output: str
    block: int
    bundle_rate: int
    hop: int
    """Frames at the bundle's rate."""
    tempo: float
    """Quarter notes per minute."""
    latency: Latency
    through_jack: bool
    """Hosts on the same JACK server take our output before the device."""
    midi_in: str
    """"" where there is no MIDI; then `midi_fault` says why."""
    midi_out: str
    midi_fault: str
    osc: tuple[str, int]
    priority: str


class _Startable(Protocol):
    def start(self) -> None: ...
    def stop(self) -> None: ...


class Server:
    """One running server. `open` once, then `run`; `close` in any case."""

    def __init__(self, config: ServeConfig, load: Callable[[ServeConfig], LiveRenderer]) -> None:
        """`load` makes the renderer. Raises GhostnoteError."""
        self._resumed = take_resumed()
        self.config, settings = start_settings(config, self._resumed)
        renderer = load(self.config)
        if config.preset and not self._resumed:
            settings.check_fits(config.preset, renderer.manifest.name, renderer.kits, DRUMMERS)
        settings = replace(settings, bundle=renderer.manifest.name)
        self.stop = threading.Event()
        self.inbox = Inbox()
        self.live = LiveSettings(renderer, settings, preset=config.preset)
        self.playback = Playback(self.config, self.inbox, self.live, self.stop)
        self._bundles = bundle_names()
        self._swap = BundleSwap(
            lambda source: load(replace(self.config, bundle=source)),
            self.live,
            self.playback.recent_hops,
            self._hand_over,
        )
        models = DrummerModels()
        self._live_feel: LiveFeel | None = None
        if config.live_feel_ms:
            longest = config.live_feel_ms / 1000
            self._live_feel = LiveFeel(
                lambda drummer: models.live(drummer, longest), self._transport, lambda: self.live.settings
            )
        self._grooves = Grooves(
            models,
            self._play,
            self._transport,
            lambda: self.live.settings,
            GrooveFolder(Path(config.groove_folder), load_map(self.config.midi_map)) if config.groove_folder else None,
        )
        self._midi_fault = ""
        self._ports: Ports | None = None
        self._echo: MidiEcho | None = None
        self._watch = Meters(lambda: self.playback.output)
        self._recorder = Recorder(
            config.record_folder, lambda: self.playback.output, self._place, load_map(self.config.midi_map), self._bpm
        )
        self._osc = OscServer(
            self._sink,
            self.state,
            config.osc_host,
            config.osc_port or free_port(config.osc_host),
            watch=self._watch,
            services={RECORD: self._recorder.ask},
        )
        self._stack = ExitStack()

    # Start and end

    def open(self) -> ServerInfo:
        """Warm up, then open device, ports and OSC. Raises GhostnoteError if anything needed is missing."""
        config = self.config
        device = self.playback.find_device(patient=self._resumed is not None)
        warm_up(self.live.renderer)
        use_huge_pages()
        prioritise_thread(OTHER_PRIORITY)
        self._start(self._swap)
        self._start(self._grooves)
        self._start(self._recorder)
        self._start(self._osc)
        self._start(OscQueryServer(self.state, self._osc.address, advertise=config.discover))
        self._open_midi(device)
        self.playback.start(device)
        prepare_process()
        if config.play:
            self._start(GrooveLoop(read_groove_file(groove_path(config.play)), self._sink))
        return self.info()

    def _start(self, part: _Startable) -> None:
        part.start()
        self._stack.callback(part.stop)

    def _open_midi(self, device: DeviceInfo) -> None:
        midi_map = load_map(self.config.midi_map)
        decoder = MidiDecoder(midi_map)

        def receive(at: float, data: bytes) -> None:
            for event in decoder.feed(at, data):
                self._sink(event)

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
        echo = MidiEcho(ports.send, midi_map)
        self._start(echo)
        self._ports, self._echo = ports, echo

    def close(self) -> None:
        """Stop every thread and free devices and ports."""
        self.stop.set()
        self.playback.close_engine()
        self._stack.close()
        self.playback.close_output()

    def run(self) -> None:
        """Watch the output until `stop` is set."""
        self.playback.watch()

    # Events, commands and state

    def _sink(self, item: Event | Command) -> None:
        """Dispatch to the bundle loader, to the generated grooves, or to the render thread."""
        if isinstance(item, LoadBundle):
            if item.source != self.live.settings.bundle:
                self._swap.ask(item.source)
            return
        if isinstance(item, GrooveCommand):
            self._grooves.do(item)
            return
        if isinstance(item, Event):
            self._grooves.on_event(item)
        self._play(self._live_feel.play(item) if self._live_feel and isinstance(item, NoteEvent) else item)

    def _play(self, item: Event | Command) -> None:
        """Send to the render thread, and events, whatever their source, also to "Ghostnote Out"."""
        taken = self.inbox.put(item)
        if not isinstance(item, Event):
            return
        if self._echo:
            self._echo.play(item)
        if taken:
            self._watch.on_event(item)
            self._recorder.on_event(item)

    def _hand_over(self, new: NewBundle) -> bool:
        taken = self.inbox.put(new)
        if taken:
            self.config = replace(self.config, bundle=new.source)
        return taken

    def _panic(self) -> None:
        panic = PanicEvent(time.perf_counter())
        self.inbox.put(panic)
        self._watch.on_event(panic)
        self._recorder.on_event(panic)
        self._grooves.on_event(panic)

    def _transport(self) -> Transport | None:
        return self.playback.engine.transport if self.playback.engine else None

    def _place(self, at: float) -> float:
        """The frame of the output at which a hit of time `at` sounds."""
        engine = self.playback.engine
        return engine.clock.frame_at(at) + engine.latency.engine if engine else 0.0

    def _bpm(self) -> float:
        return self.playback.engine.transport.bpm if self.playback.engine else self.live.settings.tempo

    def info(self) -> ServerInfo:
        """What to show once `open` has returned."""
        playback, renderer = self.playback, self.live.renderer
        assert playback.engine is not None and playback.output is not None and playback.device is not None
        names = self._ports.names if self._ports else ("", "")
        return ServerInfo(
            config=self.config,
            bundle=renderer.manifest.name,
            kits=renderer.kits,
            provider=renderer.provider,
            output=playback.output.name,
            block=playback.output.block,
            bundle_rate=renderer.sample_rate,
            hop=renderer.hop,
            tempo=playback.engine.transport.bpm,
            latency=playback.engine.latency,
            through_jack=playback.device.is_jack,
            midi_in=names[0],
            midi_out=names[1],
            midi_fault=self._midi_fault,
            osc=self._osc.address,
            priority=playback.priority,
        )

    def state(self) -> ServerSnapshot:
        """A snapshot for OSC. Any thread."""
        engine, renderer = self.playback.engine, self.live.renderer
        transport = engine.transport if engine else None
        latency = engine.latency if engine else None
        return ServerSnapshot(
            settings=self.live.settings,
            kits=renderer.kits,
            drummers=DRUMMERS,
            preset=self.live.preset,
            bundles=self._bundles,
            loading=self._swap.loading,
            faults={
                BUNDLE: self._swap.fault,
                GROOVE_PROMPT: self._grooves.fault,
                RECORD: self._recorder.fault,
            },
            record=self._recorder.value,
            groove=self._grooves.state,
            transport="start" if transport and transport.playing else "stop",
            beat=transport.beat_at(time.perf_counter()) if transport else 0.0,
            latency=round(latency.total) if latency else 0,
            sample_rate=latency.rate if latency else renderer.sample_rate,
            status=self.status(),
        )

    def status(self) -> dict[str, Value]:
        """Figures by name."""
        renderer = self.live.renderer
        return {
            "bundle": renderer.manifest.name,
            "provider": renderer.provider,
            **renderer.figures(),
            "midi_in": self._ports.names[0] if self._ports else "",
            "osc_dropped": self._osc.dropped,
            "echo_dropped": self._echo.dropped if self._echo else 0,
            "groove_late_bars": self._grooves.late_bars,
            "feel_latency_ms": round(1000 * self._live_feel.latency, 3) if self._live_feel else 0.0,
            "record_lost_frames": self._recorder.lost,
            **self.playback.figures(),
        }


def open_renderer(config: ServeConfig) -> LiveRenderer:
    """The renderer of the bundle that `config` names. Raises BundleError, MissingError, InputError."""
    return load_renderer(bundle_folder(config.bundle or None), threads=config.threads, provider=config.provider)


def serve(
    config: ServeConfig,
    announce: Callable[[ServerInfo], None] = lambda info: None,
    load: Callable[[ServeConfig], LiveRenderer] = open_renderer,
    wait: Callable[[], bool] = lambda: True,
) -> int:
    """Serve until Ctrl-C or SIGTERM; `announce` is called once everything is open. Returns 0. Raises GhostnoteError.

    `wait` is called when everything is loaded and nothing is open yet; where it returns False, that is the end.
    Must be called by the main thread, which alone may handle signals.
    """
    keep_freed_memory(one_arena=False)
    server = Server(config, load)
    if not wait():
        server.close()
        return 0
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
    if server.playback.must_restart:
        restart_process(replace(server.live.settings, bundle=server.config.bundle))
    return 0
