"""A Qt application without a screen, and a server that has all but the sound; Qt is imported where it is used."""

import os
import time
from dataclasses import replace

import pytest

from bridge.osc.server import OscServer
from ghostnote.errors import InputError
from ghostnote.events import Command, GrooveCommand, LoadPreset, TransportEvent
from ghostnote.files.bundle import bundle_folder, load_manifest
from ghostnote.files.preset import Preset
from ghostnote.music.feel import DRUMMERS
from ghostnote.osc.schema import ServerSnapshot
from ghostnote.osc.table import RECORD
from kits.store import playable
from server.audio.meters import Meters

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

WAIT_SECONDS = 60


@pytest.fixture(scope="session")
def qt():
    pytest.importorskip("PySide6.QtWidgets", reason="needs the extra 'desktop'", exc_type=ImportError)
    from desktop.app import make_application
    from desktop.theme import apply_theme

    app = make_application()
    apply_theme(app, "dark")
    return app


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """No test touches the user's settings."""
    monkeypatch.setenv("GHOSTNOTE_HOME", str(tmp_path / "home"))


@pytest.fixture
def until(qt):
    """Let Qt work until something is so."""

    def wait(ready, what="it did not happen", seconds=WAIT_SECONDS):
        end = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > end:
                raise AssertionError(what)
            qt.processEvents()
            time.sleep(0.002)

    return wait


class Peer:
    """The real OSC server around settings that are carried out by nobody; what plays is kept in `events`."""

    def __init__(self):
        manifest = load_manifest(bundle_folder())
        kits = tuple(playable(manifest.codec))
        self.state = ServerSnapshot(
            settings=Preset(bundle=manifest.name, kit={kits[0]: 1.0}),
            kits=kits,
            drummers=DRUMMERS,
            latency=688,
            status={
                "output": "USB (ALSA), rtmixer", "provider": "CPUExecutionProvider", "midi_in": "Ghostnote In",
                "xruns": 0, "late_hops": 0, "cpu_percent": 12.0, "rate": 48000, "block": 128,
                "hop_latency_ms": 5.33, "lead_latency_ms": 5.0, "device_latency_ms": 4.0, "engine_latency_ms": 10.33,
            },
        )  # fmt: skip
        self.events, self.grooves, self.folder = [], [], "/takes"
        self.watch = Meters(lambda: None)
        self.server = OscServer(self.take, lambda: self.state, port=0, watch=self.watch, services={RECORD: self.record})
        self.server.start()

    def take(self, item):
        if isinstance(item, LoadPreset):
            self.state = replace(self.state, preset=item.name)
        elif isinstance(item, GrooveCommand):
            self.grooves.append(item)
        elif isinstance(item, Command):
            self.set(self.state.settings.after(item))
        else:
            self.events.append(item)
            self.watch.on_event(item)
            if isinstance(item, TransportEvent):
                self.state = replace(self.state, transport=item.kind)

    def record(self, args):
        if not self.folder:
            raise InputError("cannot record into /away: there is no such folder")
        self.state = replace(self.state, record=(int(args[0]), f"{self.folder}/a.wav", f"{self.folder}/a.mid"))
        return self.state.record

    def set(self, settings):
        """As when another controller has changed something."""
        self.state = replace(self.state, settings=settings)

    @property
    def settings(self):
        return self.state.settings

    def hits(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def peer():
    made = Peer()
    yield made
    made.server.stop()


@pytest.fixture
def window(qt, peer, until):
    """The window, connected to `peer`; the app starts no process of its own."""
    import shiboken6

    from desktop.control import AppController
    from desktop.settings import AppSettings
    from desktop.window import MainWindow

    control = AppController(AppSettings())
    made = MainWindow(control)
    made.show()
    control.link.seek(peer.server.address[1])
    until(lambda: control.session.connected, "the app did not find the server")
    yield made
    made.shutdown()
    control.shutdown()
    made.close()
    shiboken6.delete(made)
    shiboken6.delete(control)
