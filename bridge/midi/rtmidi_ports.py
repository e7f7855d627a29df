"""MIDI ports: the virtual ones that a DAW sees, or a named one, kept open while devices and servers come and go.

The only module that touches rtmidi, which has no notification of devices: names are polled every second, and what
has disappeared is reopened, by name, as soon as it is back.
"""

import logging
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import rtmidi as _untyped

from bridge.midi.arrival import ArrivalClock
from bridge.midi.ports import CLIENT, IN_NAME, OUT_NAME, Ports, Receive
from ghostnote.errors import InputError, MissingError

_LOOPBACK: Final = ("Ghostnote", "loopMIDI")
"""Beginnings of the names of loopback ports that stand in for virtual ones on Windows."""
_ALSA_NUMBERS: Final = re.compile(r" \d+:\d+$")

rtmidi: Any = _untyped
_log = logging.getLogger("midi.in")


def midi_apis() -> list[str]:
    """Names of the MIDI systems that this build of rtmidi knows, such as alsa, jack, core, winmm."""
    return [rtmidi.get_api_name(api) for api in rtmidi.get_compiled_api()]


def list_ports(api: str = "auto") -> tuple[list[str], list[str]]:
    """Names of the ports that can be read, and of those that can be written. Raises MissingError."""
    source, target = _clients(api)
    names = source.get_ports(), target.get_ports()
    source.delete()
    target.delete()
    return names


def match_port(wanted: str, names: Sequence[str]) -> int:
    """Index of the port whose name is or contains `wanted`, ignoring case and ALSA's numbers.

    Raises MissingError, listing the ports, if none matches, and InputError if several do.
    """
    key = _ALSA_NUMBERS.sub("", wanted).lower()
    plain = [_ALSA_NUMBERS.sub("", name).lower() for name in names]
    found = [i for i, name in enumerate(plain) if name == key] or [i for i, name in enumerate(plain) if key in name]
    if not found:
        raise MissingError(f"no MIDI port {wanted!r}: there are {', '.join(names) or 'none'}")
    if len(found) > 1 and len({plain[i] for i in found}) > 1:
        raise InputError(f"MIDI port {wanted!r} is ambiguous: {', '.join(names[i] for i in found)}")
    return found[0]


class MidiPorts(Ports):
    """An input and an output through rtmidi, by name."""

    def __init__(
        self, receive: Receive, lost: Callable[[], None], source: str | None = None, api: str = "auto"
    ) -> None:
        """`source` is the port to listen to (part of its name), None = a virtual port "Ghostnote In"."""
        super().__init__(receive, lost, source)
        self._api = api
        self._in: Any = None
        self._out: Any = None
        self._names = ("", "")
        self._server = ""
        self._listed = False
        self._lock = threading.Lock()

    @property
    def names(self) -> tuple[str, str]:
        """The input and the output that are open, "" for one that is not."""
        return self._names

    def send(self, message: bytes) -> None:
        """Write one message to the output; does nothing if there is none."""
        with self._lock:
            if self._names[1]:
                try:
                    self._out.send_message(message)
                except (rtmidi.RtMidiError, ValueError) as error:
                    logging.getLogger("midi.out").debug("not sent: %s", error)

    def _open(self) -> None:
        source, target = _clients(self._api)
        try:
            self._server = _server_mark(source)
            names = _open_input(source, self._source), _open_output(target)
        except BaseException:
            source.delete()
            target.delete()
            raise
        # Nothing is filtered by rtmidi: its intervals would lose the time of the messages that are left out.
        source.ignore_types(sysex=False, timing=False, active_sense=False)
        # Windows counts its intervals in whole milliseconds, which is worse than the time of the call.
        source.set_callback(self._on_message, ArrivalClock() if _has_virtual(source) else None)
        with self._lock:
            self._in, self._out, self._names = source, target, names
        self._listed = self._is_listed(source, target)

    def _close(self) -> None:
        with self._lock:
            source, target = self._in, self._out
            self._in, self._out, self._names = None, None, ("", "")
        if source:
            source.cancel_callback()
            time.sleep(0.05)  # a callback that has begun needs the interpreter to finish, and closing waits for it
            source.delete()
            target.delete()

    def _on_message(self, message: tuple[list[int], float], clock: ArrivalClock | None) -> None:
        now, data = time.perf_counter(), bytes(message[0])
        at = clock.arrival(now, message[1]) if clock else now
        _log.debug("%.6f %s", at, data)
        self._receive(at, data)

    def _alive(self) -> bool:
        """Whether the input is still listed, if it ever was, and its JACK server is the same process as before."""
        try:
            same_server = _server_mark(self._in) == self._server
            return same_server and self._is_listed(self._in, self._out) >= self._listed
        except rtmidi.RtMidiError:
            return False

    def _is_listed(self, source: Any, target: Any) -> bool:
        own = self._source is None and _has_virtual(source)
        return any(self._names[0] in name for name in (target if own else source).get_ports())


def _clients(api: str) -> tuple[Any, Any]:
    known = {rtmidi.get_api_name(code): code for code in rtmidi.get_compiled_api()}
    if api != "auto" and api not in known:
        raise InputError(f"no MIDI system {api!r}: this build has {', '.join(known) or 'none'}")
    faults: list[str] = []
    for name in known if api == "auto" else (api,):
        if name == "jack" and _jack_socket_missing():
            faults.append("jack: no server is running")
            continue
        try:
            return rtmidi.MidiIn(known[name], CLIENT), rtmidi.MidiOut(known[name], CLIENT)
        except rtmidi.RtMidiError as error:
            faults.append(f"{name}: {error}")
    raise MissingError(f"no MIDI system answers ({'; '.join(faults) or 'none is built in'}): {_ADVICE}")


_ADVICE: Final = {
    "linux": "load ALSA's sequencer (sudo modprobe snd-seq) or start JACK, and see `ghostnote doctor`",
}.get(sys.platform, "see `ghostnote doctor`")


def _has_virtual(client: Any) -> bool:
    return client.get_current_api() != rtmidi.API_WINDOWS_MM


def _open_input(client: Any, wanted: str | None) -> str:
    if wanted is None and _has_virtual(client):
        client.open_virtual_port(IN_NAME)
        return IN_NAME
    names = client.get_ports()
    index = _loopback(names) if wanted is None else match_port(wanted, names)
    client.open_port(index, IN_NAME)
    return names[index]


def _open_output(client: Any) -> str:
    if _has_virtual(client):
        client.open_virtual_port(OUT_NAME)
        return OUT_NAME
    names = client.get_ports()
    index = next((i for i, name in enumerate(names) if name.startswith(OUT_NAME)), None)
    if index is None:
        return ""
    client.open_port(index, OUT_NAME)
    return names[index]


def _loopback(names: Sequence[str]) -> int:
    """Index of the loopback port that stands in for "Ghostnote In" on Windows."""
    for beginning in _LOOPBACK:
        for index, name in enumerate(names):
            if name.startswith(beginning) and not name.startswith(OUT_NAME):
                return index
    raise MissingError(
        f"Windows has no virtual MIDI ports: install loopMIDI (tobias-erichsen.de), add a port named {IN_NAME!r} in it "
        f"and start again; there are {', '.join(names) or 'no ports'}"
    )


def _jack_socket() -> Path | None:
    """The socket of the JACK 2 server that a client would use; None where servers have no such file."""
    if not sys.platform.startswith("linux"):
        return None
    return Path(f"/dev/shm/jack_{os.environ.get('JACK_DEFAULT_SERVER', 'default')}_{os.getuid()}_0")


def _jack_socket_missing() -> bool:
    socket = _jack_socket()
    pipewire = Path(os.environ.get("XDG_RUNTIME_DIR", "/run"), "pipewire-0")
    return socket is not None and not socket.exists() and not pipewire.exists()


def _server_mark(client: Any) -> str:
    """The inode of the JACK server's socket, which changes with its process; clients are not notified when it ends.

    "" if there is none, or no such file (JACK 2 on Linux has it).
    """
    socket = _jack_socket()
    if client.get_current_api() != rtmidi.API_UNIX_JACK or socket is None:
        return ""
    sockets = (line.split() for line in Path("/proc/net/unix").read_text().splitlines())
    return next((words[6] for words in sockets if words[7:] == [str(socket)]), "")
