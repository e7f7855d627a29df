"""MIDI ports on a JACK server, with JACK's own time for every event.

rtmidi stamps JACK's events when their cycle is processed and so loses their place inside the block, up to 2.7 ms at 128
frames. Here that position is kept: an event `offset` frames into a cycle arrived that long after the cycle began. The
only module that uses the JACK client library (JACK-Client, optional: without it rtmidi serves JACK, too).
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from bridge.midi.ports import CLIENT, IN_NAME, OUT_NAME, Ports, Receive
from ghostnote.errors import MissingError

MAX_WAITING: Final = 1024
"""Messages that may wait for the next cycle; older ones are dropped."""


def jack_available() -> bool:
    """Whether the client library can be loaded; no server needs to be running."""
    try:
        import jack
    except (ImportError, OSError):
        return False
    return jack is not None


def jack_ports(client: Any, pattern: str = "", **kinds: bool) -> list[Any]:
    """The server's ports that fit a regular expression and `kinds` (is_midi, is_output, ...), as JACK-Client's objects.

    Empty while one of them disappears, because the library looks up each name after it has the list: try again.
    """
    import jack

    try:
        return client.get_ports(pattern, **kinds)
    except jack.JackError:
        return []


class JackPorts(Ports):
    """An input and an output of one JACK client; opened again when the server comes back."""

    def __init__(self, receive: Receive, lost: Callable[[], None], source: str | None = None) -> None:
        """`source`: part of the name of a port that is connected to ours whenever it exists, None = none."""
        super().__init__(receive, lost, source)
        self._client: Any = None
        self._outgoing: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._gone = threading.Event()

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
        import jack

        if not self._source:
            return
        ours = self._client.midi_inports[0]
        for port in jack_ports(self._client, is_midi=True, is_output=True):
            if self._source.lower() in port.name.lower():
                with contextlib.suppress(jack.JackError):  # the port is disappearing at this moment
                    if not ours.is_connected_to(port):
                        self._client.connect(port, ours)

    def _alive(self) -> bool:
        if self._gone.is_set():
            return False
        self._connect()
        return True
