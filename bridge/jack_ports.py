"""MIDI ports on a JACK server, with JACK's own time for every event.

rtmidi stamps JACK's events when their cycle is processed and so loses their place inside the block, up to 2.7 ms at 128
frames. Here that place is kept: an event `offset` frames into a cycle arrived so long after the cycle began. The only
module that touches the JACK client library (JACK-Client, optional: without it rtmidi serves JACK, too).
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from ghostnote.errors import MissingError

CLIENT: Final = "Ghostnote"
IN_NAME: Final = "Ghostnote In"
OUT_NAME: Final = "Ghostnote Out"
POLL_S: Final = 1.0
MAX_WAITING: Final = 1024
"""Messages that may wait for the next cycle; older ones are dropped."""

_log = logging.getLogger("midi.in")

Receive = Callable[[float, bytes], None]
"""Arrival [s of perf_counter] and the bytes of one message."""


def jack_available() -> bool:
    """Whether the client library can be loaded; no server need run."""
    try:
        import jack
    except (ImportError, OSError):
        return False
    return jack is not None


class JackPorts:
    """An input and an output of one JACK client, from `start` to `stop`; opened again when the server comes back.

    `receive` is called by JACK's thread and must only take note; `lost` by the watching thread when the server goes.
    """

    def __init__(self, receive: Receive, lost: Callable[[], None], source: str | None = None) -> None:
        """`source`: a part of the name of the port to be connected to ours whenever it is there, None = none."""
        self._receive, self._lost, self._source = receive, lost, source
        self._client: Any = None
        self._outgoing: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._gone = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="jack ports", daemon=True)

    def start(self) -> None:
        """Open the ports. Raises MissingError where no server runs."""
        self._open()
        self._thread.start()

    def stop(self) -> None:
        """Close the ports."""
        self._stop.set()
        self._thread.join()
        self._close()

    @property
    def names(self) -> tuple[str, str]:
        """The input and the output that are open, "" for one that is not."""
        return (IN_NAME, OUT_NAME) if self._client else ("", "")

    def send(self, message: bytes) -> None:
        """Write one message to the output in the next cycle."""
        self._outgoing.append(message)

    def _open(self) -> None:
        import jack

        try:
            client: Any = jack.Client(CLIENT, no_start_server=True)
        except jack.JackError as error:
            raise MissingError(f"no JACK server answers ({error}): start it, or choose another MIDI system") from error
        source = client.midi_inports.register(IN_NAME)
        target = client.midi_outports.register(OUT_NAME)
        self._outgoing.clear()
        self._gone.clear()
        client.set_shutdown_callback(lambda status, reason: self._gone.set())
        client.set_process_callback(lambda frames: self._process(client, source, target))
        client.activate()
        self._client = client
        self._connect()

    def _close(self) -> None:
        client, self._client = self._client, None
        if client:
            client.deactivate(ignore_errors=True)
            client.close(ignore_errors=True)

    def _process(self, client: Any, source: Any, target: Any) -> None:
        for offset, data in source.incoming_midi_events():
            # Not by JACK's frame_time: after an xrun its filter is off by some milliseconds for a second.
            ago = client.frames_since_cycle_start - offset
            self._receive(time.perf_counter() - ago / client.samplerate, bytes(data))
        target.clear_buffer()
        while self._outgoing:
            target.write_midi_event(0, self._outgoing.popleft())

    def _connect(self) -> None:
        if not self._source:
            return
        ours = self._client.midi_inports[0]
        for port in self._client.get_ports(is_midi=True, is_output=True):
            if self._source.lower() in port.name.lower() and not ours.is_connected_to(port):
                self._client.connect(port, ours)

    def _watch(self) -> None:
        while not self._stop.wait(POLL_S):
            if self._client and self._gone.is_set():
                _log.warning("the JACK server has gone: waiting for it")
                self._close()
                self._lost()
            try:
                if self._client:
                    self._connect()
                else:
                    self._open()
                    _log.warning("the MIDI port %s is back", IN_NAME)
            except Exception as error:  # the library's errors, and a server that goes at this very moment
                _log.debug("%s", error)
