"""Connects session, OSC link, server process and groove player; the window shows its signals."""

import time
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.groove_player import TICK_SECONDS, GroovePlayer
from desktop.grooves import audition_phrase, load_groove
from desktop.mixer import Mixer
from desktop.osc_link import OscLink
from desktop.server_process import ServerProcess
from desktop.session import Session, path
from desktop.settings import AppSettings, kept_of, preset_of, save_settings
from ghostnote.errors import GhostnoteError
from ghostnote.files.preset import Preset
from ghostnote.music.articulations import ARTICULATIONS
from ghostnote.osc.schema import Values
from ghostnote.osc.table import PLAYED


class AppController(QObject):
    """The app without its window."""

    state = Signal(str, str)
    """The server's state: "good", "warn" or "bad", and a few words."""
    notice = Signal(str)
    """A message that is shown once."""
    failed = Signal(str)
    """Why there is no server; "" when there is one again."""

    def __init__(self, settings: AppSettings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self.link = OscLink(parent=self)
        self.session = Session(self.link.send, kept_of(settings.last))
        self.mixer = Mixer(self.session)
        self.process = ServerProcess(self)
        self.player = GroovePlayer(self.link.send_at, self._show)
        self._wants_transport = False
        self._groove_timer = QTimer(self)
        self._groove_timer.setInterval(round(1000 * TICK_SECONDS))
        self._groove_timer.timeout.connect(self._tick)
        self.link.received.connect(self.session.receive)
        self.link.arrived.connect(self._arrived)
        self.link.fell_silent.connect(self._fell_silent)
        self.link.polled.connect(self._polled)
        self.process.started.connect(self.link.seek)
        self.process.crashed.connect(self._crashed)
        self.process.failed.connect(self._failed)
        self.session.listen("transport", self._transport)
        self.session.listen("record", lambda *_: self._recorded())
        self._recording = False
        self.session.listen("tempo", lambda _, values: self.player.set_tempo(float(values[0]), time.time()))

    # The server

    def start(self) -> None:
        """Start the server with the current settings."""
        self.session.lost()
        self.state.emit("warn", "Starting the sound engine")
        self.process.start(self.settings.server_options(), self.settings.osc_port)

    def use(self, settings: AppSettings) -> None:
        """Use other settings; restarts the server if its options differ."""
        restart = settings.server_options() != self.settings.server_options() or not self.session.connected
        self.settings = settings
        save_settings(self.kept_settings())
        if restart:
            self.halt()
            self.start()

    def remember(self, **changes: Any) -> None:
        """Change settings of the app itself, such as theme or folder."""
        self.settings = replace(self.settings, **changes)
        save_settings(self.kept_settings())

    def kept_settings(self) -> AppSettings:
        """The settings including the server's current ones."""
        return replace(self.settings, last=self.present())

    def present(self) -> Preset:
        """The server's current or last settings."""
        return preset_of(self.session.kept())

    def pause(self) -> None:
        """Stop the server until `start`; `process.ended` signals when it is gone."""
        self.halt()
        self.session.lost()
        self.link.stop()
        self.process.end()
        self.state.emit("warn", "Paused")

    def shutdown(self) -> None:
        """Save the settings and stop the server."""
        save_settings(self.kept_settings())
        self.halt()
        self.link.stop()
        self.process.stop()

    def _arrived(self) -> None:
        self.session.arrived()
        self.process.keep_spare()
        self.failed.emit("")
        self.state.emit("good", "Ready")

    def _crashed(self, last: str) -> None:
        self.session.lost()
        self.state.emit("warn", "Starting again")
        self.notice.emit("The sound engine crashed and was restarted." + (f" It said: {last}" if last else ""))

    def _failed(self, why: str) -> None:
        self.session.lost()
        self.link.stop()
        self.halt()
        self.state.emit("bad", "No sound")
        self.failed.emit(why)

    def _fell_silent(self) -> None:
        self.session.lost()
        self.process.restart_hanging()

    def _polled(self) -> None:
        self.session.tick()
        if self.session.playing:
            self.link.send(path("beat"))

    # Playing

    def audition(self) -> None:
        """A few hits, unless a groove plays already."""
        if not self.player.playing:
            self._send_phrase()

    def _send_phrase(self) -> None:
        begin = time.time() + 0.15
        for hit in audition_phrase().hits:
            name, velocity = ARTICULATIONS[int(hit["lane"])].name, float(hit["velocity"])
            at = begin + float(hit["time"])
            self.link.send_at(at, path("hit"), name, velocity)
            QTimer.singleShot(round(1000 * (at - time.time())), self, lambda n=name, v=velocity: self._show(n, v))

    def play(self, groove: str) -> None:
        """Start the transport and with it a shipped groove, "" for none."""
        if groove:
            try:
                performance = load_groove(groove)
                self.player.start(performance, self.session.number("tempo", performance.bpm), time.time())
            except GhostnoteError as error:
                self.notice.emit(str(error))
                return
            self._groove_timer.start()
        self._wants_transport = True
        self.session.transport("start")

    def halt(self) -> None:
        """Stop transport and groove."""
        self._wants_transport = False
        self.player.stop()
        self._groove_timer.stop()
        self.session.transport("stop")

    def panic(self) -> None:
        """Stop and silence at once."""
        self.halt()
        self.session.panic()

    def _recorded(self) -> None:
        was, (self._recording, sound) = self._recording, self.session.recording
        if was and not self._recording and sound:
            self.notice.emit(f"Recorded {sound}, and the MIDI file beside it.")

    def _transport(self, _address: str, values: Values) -> None:
        if values[0] == "stop" and self.player.playing and not self._wants_transport:
            self.player.stop()
        self._wants_transport = False

    def _tick(self) -> None:
        self.player.tick(time.time())
        if not self.player.playing:
            self._groove_timer.stop()

    def _show(self, articulation: str, velocity: float) -> None:
        if not self.session.offers(PLAYED):
            self.session.notify(PLAYED, articulation, velocity)
