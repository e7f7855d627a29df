"""A blocking client for a running server: queries, changes, and their replies."""

import socket
import time
from collections.abc import Sequence
from typing import Any

from ghostnote.errors import InputError, MissingError
from ghostnote.osc.limits import DEFAULT_HOST, DEFAULT_PORT
from ghostnote.osc.packet import read_packet, write_message
from ghostnote.osc.table import ERROR, LOADING, SUBSCRIBE, UNSUBSCRIBE, find

Answer = tuple[str, tuple[Any, ...]]
"""Address and values of a message."""

_CHANGE_S = 0.3
"""How long to wait for a change; a message that changes nothing has no reply."""
_LOADING_S = 30.0
"""The same while a bundle is being loaded."""


class OscClient:
    """A UDP socket connected to one server. Close it, or use it as a context manager."""

    def __init__(self, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT, timeout: float = 1.0) -> None:
        self._server = (host, port)
        self._timeout = timeout
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)

    def close(self) -> None:
        """Free the port."""
        self._socket.close()

    def __enter__(self) -> "OscClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, address: str, *values: Any) -> None:
        """Send one message. Raises MissingError if the host cannot be reached."""
        try:
            self._socket.sendto(write_message(address, values), self._server)
        except OSError as error:
            raise self._silent(error) from error

    def receive(self, timeout: float | None = None) -> Answer:
        """The next message. Raises MissingError if none arrives, InputError with the server's text for an error."""
        self._socket.settimeout(self._timeout if timeout is None else timeout)
        try:
            data = self._socket.recv(65536)
        except OSError as error:
            raise self._silent(error) from error
        message = read_packet(data, time.perf_counter())[0]
        if message.address == ERROR:
            raise InputError(str(message.args[-1]))
        return message.address, message.args

    def ask(self, pattern: str) -> list[Answer]:
        """The values of all addresses that match. Raises InputError if none can be queried."""
        wanted = [row.path for row in find(pattern) if row.read]
        self.send(pattern)
        sent: dict[str, tuple[Any, ...]] = {}
        while sent.keys() != set(wanted) or not sent:
            address, values = self.receive()
            if address in wanted or not wanted:  # late messages of a subscription are ignored
                sent[address] = values
        return list(sent.items())

    def change(self, pattern: str, values: Sequence[Any]) -> list[Answer]:
        """Request a change and return the values afterwards, [] if the addresses have none.

        Raises InputError with the server's text if it refuses.
        """
        readable = {row.path for row in find(pattern) if row.feedback}
        if readable:
            self.send(SUBSCRIBE)
            while self.receive()[0] != SUBSCRIBE:
                pass
        self.send(pattern, *values)
        sent = self._changes(readable)
        if not readable:
            return []
        self.send(UNSUBSCRIBE)
        return sorted(sent.items()) if readable == sent.keys() else self.ask(pattern)

    def _changes(self, wanted: set[str]) -> dict[str, tuple[Any, ...]]:
        """The changes of the `wanted` addresses until all have arrived, or nothing more comes."""
        sent: dict[str, tuple[Any, ...]] = {}
        loading = False
        try:
            while not wanted or sent.keys() != wanted:
                address, values = self.receive(_LOADING_S if loading else _CHANGE_S)
                if address == LOADING:
                    loading = values != ("",)
                if address in wanted:
                    sent[address] = values
        except MissingError:
            pass
        return sent

    def _silent(self, error: OSError) -> MissingError:
        host, port = self._server
        return MissingError(f"no answer from {host} port {port} ({error}): is `ghostnote serve` running there?")


def query(address: str, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT) -> tuple[Any, ...]:
    """The values with which a server answers. Raises MissingError when there is no answer within a second."""
    with OscClient(host, port) as client:
        return client.ask(address)[0][1]


def parse_values(pattern: str, words: Sequence[str]) -> list[str | int | float]:
    """Command line arguments as the types that the addresses expect; others become numbers if they look like one."""
    row = next(iter(find(pattern)), None)
    types = [argument.type for argument in row.arguments] if row else []
    return [_value(word, types[i] if i < len(types) else "?") for i, word in enumerate(words)]


def _value(word: str, kind: str) -> str | int | float:
    if kind == "s":
        return word
    for read in (int, float):
        try:
            return read(word)
        except ValueError:
            pass
    return word
