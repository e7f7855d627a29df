"""The whole server in one process, with a device and MIDI ports that exist only here."""

import threading
import time
from contextlib import contextmanager

import pytest

from bridge.midi.ports import Ports
from ghostnote.osc.client import OscClient
from server import playback, serve
from server.audio.output import NullOutput
from server.audio.portaudio import DeviceInfo
from server.config import ServeConfig
from server.serve import Server, open_renderer
from tests.support.paths import TINY
from tests.support.waiting import wait_for


class PacedOutput(NullOutput):
    """Takes a block whenever it is time for one, and keeps what was played."""

    def __init__(self, rate, block):
        super().__init__(rate, block)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        begin = time.perf_counter()
        while not self._ended.wait(0.001):
            while self.consumed() < (time.perf_counter() - begin) * self.rate:
                self.advance()

    def close(self):
        self._ended.set()
        self._thread.join()


class FakePorts(Ports):
    """Ports that nobody is connected to; what is sent is kept."""

    def __init__(self, receive, lost, source=None, api="auto"):
        super().__init__(receive, lost, source)
        self.sent = []

    names = ("in", "out")

    def send(self, message):
        self.sent.append(message)

    def _open(self):
        pass

    def _close(self):
        pass

    def _alive(self):
        return True


@pytest.fixture
def serving(monkeypatch, tmp_path):
    """A context manager that runs a server with a configuration and gives it and an OSC client."""
    monkeypatch.setenv("GHOSTNOTE_HOME", str(tmp_path))
    device = DeviceInfo(0, "paced", "test", 2, 48000, True)
    monkeypatch.setattr(playback.audio, "find_output", lambda wanted: device)
    monkeypatch.setattr(playback.audio, "open_output", lambda device, rate, block, backend: PacedOutput(rate, block))
    monkeypatch.setattr(serve, "MidiPorts", FakePorts)
    monkeypatch.setattr(serve, "JackPorts", FakePorts)
    for module in (serve, playback):
        monkeypatch.setattr(module, "prioritise_thread", lambda priority: "ordinary")
    monkeypatch.setattr(serve, "prepare_process", lambda: None)
    monkeypatch.setattr(serve, "use_huge_pages", lambda: 0)

    @contextmanager
    def run(**options):
        server = Server(ServeConfig(**{"bundle": str(TINY), "osc_port": 0, "block": 256, **options}), open_renderer)
        watching = threading.Thread(target=server.run)
        try:
            host, port = server.open().osc
            watching.start()
            wait_for(lambda: server.playback.stats.hops > 0)
            with OscClient(host, port) as client:
                yield server, client
        finally:
            server.close()
            if watching.ident:
                watching.join()

    return run


def value(client, address):
    ((_, found),) = client.ask(address)
    return found


def figures(client):
    found = value(client, "/ghostnote/status")
    return dict(zip(found[::2], found[1::2], strict=True))
