"""The OSC server: validates messages by the table, passes on events and commands, answers queries, sends changes.

One thread does everything and never waits for the render thread: `sink` only enqueues and `state` only copies. An event
carries the time of its bundle's tag in `at`; a command with a future tag is kept here until then. Changes are seen by
comparing snapshots of the state, so that subscribers also receive those made by MIDI or presets, and only what
really changed.
"""

import ipaddress
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Protocol

from bridge.osc.peers import Peer, RateLimit, Subscribers
from ghostnote.errors import GhostnoteError, InputError, MissingError
from ghostnote.events import Command, Event, LoadPreset
from ghostnote.files.preset import load_preset
from ghostnote.osc.limits import DEFAULT_HOST, DEFAULT_PORT, MAX_SUBSCRIBERS
from ghostnote.osc.packet import Message, quiet_parser, read_packet, write_values
from ghostnote.osc.schema import Address, ServerSnapshot, Values
from ghostnote.osc.table import (
    ERROR,
    PANIC,
    PRESET,
    SUBSCRIBE,
    SUBSCRIPTION_S,
    TABLE,
    UNSUBSCRIBE,
    WATCH,
    find,
    unknown_address,
)
from ghostnote.timed_queue import TimedQueue

MAX_WAITING: Final = 1024
"""The most commands that may wait for their time."""
CHECK_S: Final = 0.05
"""Time between two checks for changes."""
WATCH_S: Final = 0.01
"""Time between two checks for what watchers are to be sent."""

_in = logging.getLogger("osc.in")
_out = logging.getLogger("osc.out")

Sink = Callable[[Event | Command], None]
Service = Callable[[Values], Values]
"""Acts on the arguments of a message; what it returns is sent to the sender. Raises GhostnoteError."""


class WatchFeed(Protocol):
    """What is sent to watchers as it happens; used by the OSC server's thread."""

    def set_watched(self, watched: bool) -> None:
        """Whether anybody watches; nothing is collected otherwise."""
        ...

    def take(self, now: float) -> list[tuple[str, Values]]:
        """The messages that are due at `now` [s of perf_counter]."""
        ...


class OscServer:
    """Serves the OSC table on one UDP port from `start` to `stop`; also a context manager.

    `sink` and `state` are called by the server's thread and must not block.
    """

    def __init__(
        self,
        sink: Sink,
        state: Callable[[], ServerSnapshot],
        host: str = DEFAULT_HOST,
        port: int = DEFAULT_PORT,
        *,
        watch: WatchFeed | None = None,
        services: Mapping[str, Service] | None = None,
    ) -> None:
        """`services`: by address, what is done immediately, in this thread, and answered."""
        quiet_parser()
        self._sink = sink
        self._state = state
        self._wanted = (host, port)
        self._limit = RateLimit()
        self._error_limit = RateLimit(rate=20, burst=50)
        self._watch, self._services = watch, services or {}
        self._subscribers, self._watchers = Subscribers(), Subscribers()
        self._watched = False
        self._checked = 0.0
        self._last_sent: dict[str, Values] = {}
        self._faults: Mapping[str, str] = {}
        self._waiting: TimedQueue[float, Command] = TimedQueue(MAX_WAITING)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="osc", daemon=True)
        self.dropped = 0
        """Packets and messages refused because their sender was too fast."""

    def start(self) -> None:
        """Bind and serve. Raises MissingError if the address cannot be bound; port 0 takes a free one."""
        host, port = self._wanted
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
            self._socket.bind((host, port))
        except (OSError, OverflowError) as error:
            raise MissingError(
                f"cannot listen for OSC on {host} port {port} ({error}): is another Ghostnote running? Choose another"
            ) from error
        if not is_loopback(host):
            _in.warning("OSC listens on %s: everyone who can reach this address can play and change settings", host)
        self._thread.start()

    @property
    def address(self) -> Peer:
        """Host and port that are bound."""
        name = self._socket.getsockname()
        return name[0], name[1]

    def stop(self) -> None:
        """End the thread and free the port."""
        self._stop.set()
        self._thread.join()
        self._socket.close()

    def __enter__(self) -> "OscServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._socket.settimeout(self._pause())
            try:
                data, name = self._socket.recvfrom(65536)
            except TimeoutError:
                pass
            except OSError as error:  # Windows reports here that an earlier reply was not delivered
                _in.debug("receive: %s", error)
            else:
                self._packet(data, (name[0], name[1]))
                self._checked = 0.0
            self._release()
            self._send_watched()
            if time.perf_counter() - self._checked >= CHECK_S:
                self._send_changes()
                self._checked = time.perf_counter()

    def _pause(self) -> float:
        due = self._waiting.next_due
        rest = CHECK_S if due is None else due - time.perf_counter()
        return min(max(0.001, rest), WATCH_S if self._watched else CHECK_S)

    def _packet(self, data: bytes, sender: Peer) -> None:
        now = time.perf_counter()
        if not self._limit.allows(sender, now) and PANIC.encode() not in data:
            self._refuse(sender)
            return
        try:
            messages = read_packet(data, now)
        except InputError as error:
            self._send_error(sender, "", partial(str, error))
            return
        for message in messages:
            self._message(message, sender, now)

    def _message(self, message: Message, sender: Peer, now: float) -> None:
        _in.debug("%s:%d %s %r", *sender, message.address, message.args)
        rows = find(message.address)
        if message.address != PANIC and not self._limit.allows(sender, now, max(1, len(rows))):
            self._refuse(sender)
        elif not rows:
            self._send_error(sender, message.address, lambda: str(unknown_address(message.address)))
        else:
            state = self._state()
            for row in rows:
                try:
                    self._serve(row, message, sender, state)
                except GhostnoteError as error:
                    self._send_error(sender, row.path, partial(str, error))

    def _serve(self, row: Address, message: Message, sender: Peer, state: ServerSnapshot) -> None:
        if not message.args and row.read:
            self._send(sender, row.path, row.read(state))
            return
        args = row.check(message.args, state)
        if row.path == SUBSCRIBE:
            self._subscribe((sender[0], int(args[0]) if args else sender[1]), state)
        elif row.path == UNSUBSCRIBE:
            self._subscribers.remove((sender[0], int(args[0]) if args else sender[1]))
        elif row.path == WATCH:
            watching, *port = args
            self._watch_for((sender[0], int(port[0]) if port else sender[1]), bool(watching))
        elif row.path in self._services:
            self._send(sender, row.path, self._services[row.path](args))
        elif row.path == PRESET:
            for command in preset_commands(str(args[0]), state):
                self._enqueue(command, message.at)
        elif row.make:
            for item in row.make(state, message.at, args):
                self._enqueue(item, message.at)

    def _enqueue(self, item: Event | Command, at: float) -> None:
        if isinstance(item, Event) or at <= time.perf_counter():
            self._sink(item)
        elif not self._waiting.put(at, item):
            raise InputError(f"{MAX_WAITING} changes are already waiting for their time: this one is dropped")

    def _release(self) -> None:
        for _, command in self._waiting.take_until(time.perf_counter()):
            try:
                self._sink(command)
            except GhostnoteError as error:  # whoever sent it long ago gets no answer
                _in.warning("%s", error)

    def _subscribe(self, peer: Peer, state: ServerSnapshot) -> None:
        now = time.perf_counter()
        if not self._subscribers.present(now):
            self._last_sent = feedback_values(state)
        if not self._subscribers.add(peer, now + SUBSCRIPTION_S):
            raise _full(SUBSCRIBE)
        for path, values in feedback_values(state).items():
            self._send(peer, path, values)
        self._send(peer, SUBSCRIBE, (peer[0], peer[1], SUBSCRIPTION_S))

    def _watch_for(self, peer: Peer, watching: bool) -> None:
        if not watching:
            self._watchers.remove(peer)
        elif not self._watchers.add(peer, time.perf_counter() + SUBSCRIPTION_S):
            raise _full(WATCH)

    def _send_watched(self) -> None:
        """Send watchers what is due."""
        if self._watch is None:
            return
        now = time.perf_counter()
        peers = self._watchers.present(now)
        if self._watched != bool(peers):
            self._watched = bool(peers)
            self._watch.set_watched(self._watched)
        for address, values in self._watch.take(now) if peers else ():
            for peer in peers:
                self._send(peer, address, values)

    def _send_changes(self) -> None:
        peers = self._subscribers.present(time.perf_counter())
        if not peers:
            return
        state = self._state()
        present = feedback_values(state)
        for path, values in present.items():
            if self._last_sent.get(path) != values:
                for peer in peers:
                    self._send(peer, path, values)
        self._last_sent = present
        for address, fault in state.faults.items():
            if fault and fault != self._faults.get(address):
                for peer in peers:
                    self._send(peer, ERROR, (address, fault))
        self._faults = state.faults

    def _refuse(self, sender: Peer) -> None:
        self.dropped += 1
        text = f"more than {self._limit.rate:g} messages per second from {sender[0]}:{sender[1]}: some are dropped"
        self._send_error(sender, "", lambda: text)

    def _send_error(self, sender: Peer, address: str, text: Callable[[], str]) -> None:
        """Answer with an error; `text` is only computed if the sender's host has not been sent too many already."""
        if self._error_limit.allows((sender[0], 0), time.perf_counter()):
            line = text()
            _in.info("%s:%d %s", *sender, line)
            self._send(sender, ERROR, (address, line))

    def _send(self, peer: Peer, address: str, values: Values) -> None:
        _out.debug("%s:%d %s %r", *peer, address, values)
        try:
            self._socket.sendto(write_values(address, values), peer)
        except (OSError, ValueError) as error:
            _out.debug("%s:%d cannot be reached: %s", *peer, error)


def _full(address: str) -> InputError:
    return InputError(f"{address}: already {MAX_SUBSCRIBERS} peers, which is the maximum: try again later")


def feedback_values(state: ServerSnapshot) -> dict[str, Values]:
    """The current value of every row whose changes are sent to subscribers."""
    return {row.path: row.read(state) for row in TABLE if row.feedback and row.read}


def preset_commands(name: str, state: ServerSnapshot) -> list[Command]:
    """All changes that a saved preset makes, followed by LoadPreset.

    Raises MissingError, or InputError if the preset is corrupt or for another bundle than the one playing.
    """
    preset = load_preset(name)
    preset.check_fits(name, state.settings.bundle, state.kits, state.drummers)
    return [*preset.commands(), LoadPreset(name)]


def is_loopback(host: str) -> bool:
    """Whether `host` can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
