"""OSC over UDP in Qt's event loop: the app's only connection to the server. Nothing here blocks.

The link subscribes until it is answered, renews the subscription, and queries the status twice a second; so it notices
when the server falls silent.
"""

import logging
import time
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtNetwork import QHostAddress, QUdpSocket

from ghostnote.errors import InputError
from ghostnote.osc.packet import read_packet, write_bundle, write_message
from ghostnote.osc.schema import Value
from ghostnote.osc.table import STATUS, SUBSCRIBE, SUBSCRIPTION_S, UNSUBSCRIBE, WATCH

SEEK_MS: Final = 100
POLL_MS: Final = 500
HIDDEN_POLL_MS: Final = 2000
MAX_UNANSWERED: Final = 8
"""A server that answers none of this many queries is gone or hangs. Time alone is no proof: this process may have
been held up, too."""
_RENEW_S: Final = SUBSCRIPTION_S / 3

_log = logging.getLogger(__name__)


class OscLink(QObject):
    """A UDP socket connected to one server on this machine."""

    received = Signal(str, tuple)
    """Address and values of each message."""
    arrived = Signal()
    """The server has answered the subscription; all its values came before."""
    fell_silent = Signal()
    """The server has stopped answering."""
    polled = Signal()
    """The status was queried, about twice a second."""

    def __init__(self, port: int = 0, parent: QObject | None = None) -> None:
        """`port`: that of the server; it can be set later."""
        super().__init__(parent)
        self.port = port
        self.connected = False
        self._watching = False
        self._unanswered = 0
        self._renewed = 0.0
        self._here = QHostAddress(QHostAddress.SpecialAddress.LocalHost)
        self._socket = QUdpSocket(self)
        self._socket.bind(self._here, 0)
        self._socket.readyRead.connect(self._read)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)

    def seek(self, port: int) -> None:
        """Try to reach a server at `port` until it answers."""
        self.port, self.connected = port, False
        self._renewed = 0.0
        self._timer.start(SEEK_MS)

    def stop(self) -> None:
        """Disconnect from the server."""
        self._timer.stop()
        if self.connected:
            self.send(UNSUBSCRIBE)
        self.connected = False
        self.port = 0  # nothing is sent, and what still arrives is ignored

    def set_hidden(self, hidden: bool) -> None:
        """Query less often, and receive no hits and meters, while the window is hidden."""
        self._watching = not hidden
        if self.connected:
            self._timer.setInterval(HIDDEN_POLL_MS if hidden else POLL_MS)
            self._watch()

    def send(self, address: str, *values: Value) -> None:
        """Send one message."""
        self._write(write_message(address, values))

    def send_at(self, seconds: float, address: str, *values: Value) -> None:
        """Send one message that takes effect at `seconds` of the system's clock (`time.time()`)."""
        self._write(write_bundle(seconds, address, values))

    def _write(self, data: bytes) -> None:
        if self.port:
            self._socket.writeDatagram(data, self._here, self.port)

    def _read(self) -> None:
        while self._socket.hasPendingDatagrams():
            datagram = self._socket.receiveDatagram()
            if datagram.senderPort() != self.port:
                continue
            try:
                messages = read_packet(bytes(datagram.data().data()), time.perf_counter())
            except InputError as error:
                _log.warning("%s", error)
                continue
            self._unanswered = 0
            for message in messages:
                self._take(message.address, message.args)

    def _take(self, address: str, values: tuple[Value, ...]) -> None:
        if address != SUBSCRIBE:
            self.received.emit(address, values)
        elif not self.connected:
            self.connected = True
            self._unanswered = 0
            self._timer.start(POLL_MS)
            self._watch()
            self.send(STATUS)
            self.arrived.emit()

    def _tick(self) -> None:
        now = time.monotonic()
        if not self.connected:
            self.send(SUBSCRIBE)
            return
        if self._unanswered >= MAX_UNANSWERED:
            self.connected = False
            self._timer.start(SEEK_MS)
            self.fell_silent.emit()
            return
        if now - self._renewed > _RENEW_S:
            self._renewed = now
            self.send(SUBSCRIBE)
            self._watch()
        self._unanswered += 1
        self.send(STATUS)
        self.polled.emit()

    def _watch(self) -> None:
        self.send(WATCH, int(self._watching))
