"""OSCQuery: the OSC table as JSON over HTTP, and its announcement in the local network (zeroconf).

The proposal of Vidvox: `GET /ADDRESS` gives a node with its children, `?HOST_INFO` says where OSC is received,
`?VALUE` (or another attribute) gives that attribute of a node alone.
"""

import json
import logging
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from ghostnote.errors import MissingError
from ghostnote.osc.schema import Address, Argument, ServerSnapshot
from ghostnote.osc.table import BY_PATH, TABLE

Node = dict[str, Any]

ATTRIBUTES: Final = ("FULL_PATH", "CONTENTS", "TYPE", "ACCESS", "RANGE", "DESCRIPTION", "VALUE")
_READ, _WRITE = 1, 2
_SERVICES: Final = ("_oscjson._tcp.local.", "_osc._udp.local.")
_log = logging.getLogger("osc.in")


def tree(state: ServerSnapshot) -> Node:
    """The whole namespace with its current values."""
    root: Node = {"FULL_PATH": "/", "ACCESS": 0, "CONTENTS": {}}
    for row in TABLE:
        node, path = root, ""
        for part in row.path.split("/")[1:-1]:
            path += f"/{part}"
            node = node["CONTENTS"].setdefault(part, {"FULL_PATH": path, "ACCESS": 0, "CONTENTS": {}})
        node["CONTENTS"][row.path.rpartition("/")[2]] = _leaf(row, state)
    return root


def _leaf(row: Address, state: ServerSnapshot) -> Node:
    node: Node = {"FULL_PATH": row.path, "DESCRIPTION": row.about}
    node["ACCESS"] = (_READ if row.read else 0) | (_WRITE if row.writable else 0)
    if row.arguments:
        node["TYPE"] = "".join(argument.type for argument in row.arguments)
        node["RANGE"] = [_range(argument, state) for argument in row.arguments]
    if row.read:
        values = list(row.read(state))
        node["VALUE"] = values
        node.setdefault("TYPE", "".join({str: "s", int: "i", float: "f"}[type(value)] for value in values))
    return node


def _range(argument: Argument, state: ServerSnapshot) -> Node:
    if argument.type == "s":
        return {"VALS": list(argument.names(state))} if argument.names(state) else {}
    low, high = argument.bounds(state)
    return {name: value for name, value in (("MIN", low), ("MAX", high)) if abs(value) != float("inf")}


def answer(path: str, query: str, state: ServerSnapshot, osc: tuple[str, int]) -> tuple[HTTPStatus, Any]:
    """Status and JSON value of a GET request; `osc` is where OSC is received."""
    if query == "HOST_INFO":
        known = dict.fromkeys((*ATTRIBUTES[2:], "HOST_INFO"), True)
        return HTTPStatus.OK, {
            "NAME": "Ghostnote",
            "OSC_IP": osc[0],
            "OSC_PORT": osc[1],
            "OSC_TRANSPORT": "UDP",
            "EXTENSIONS": known,
        }
    if query and query not in ATTRIBUTES:
        return HTTPStatus.BAD_REQUEST, {"error": f"no attribute {query!r:.40}, known are {', '.join(ATTRIBUTES)}"}
    node = _leaf(BY_PATH[path], state) if path in BY_PATH else tree(state)
    for part in () if path in BY_PATH else filter(None, path.split("/")):
        node = node.get("CONTENTS", {}).get(part)
        if node is None:
            return HTTPStatus.NOT_FOUND, {"error": f"no address {path!r:.80}"}
    if not query:
        return HTTPStatus.OK, node
    return (HTTPStatus.OK, {query: node[query]}) if query in node else (HTTPStatus.NO_CONTENT, None)


class OscQueryServer:
    """Serves the tree from `start` to `stop` in a thread of its own."""

    def __init__(self, state: Callable[[], ServerSnapshot], osc: tuple[str, int], advertise: bool = False) -> None:
        """`osc`: host and UDP port of the OSC server; HTTP takes the TCP port of the same number.

        `advertise` announces both in the local network, which needs the package zeroconf.
        """
        self._state, self._osc, self._advertise = state, osc, advertise
        self._announcement: _Announcement | None = None
        self._thread = threading.Thread(target=self._serve, name="oscquery", daemon=True)

    def start(self) -> None:
        """Bind and serve. Raises MissingError if the port is taken or zeroconf is not installed."""
        try:
            self._http = _HttpServer(self._osc, _QueryHandler)
        except OSError as error:
            raise MissingError(
                f"cannot answer OSCQuery on {self._osc[0]} port {self._osc[1]} ({error}): choose another OSC port"
            ) from error
        self._http.respond = lambda path, query: answer(path, query, self._state(), self._osc)
        self._thread.start()
        if self._advertise:
            self._announcement = _Announcement(self._osc)

    def stop(self) -> None:
        """Free the port and end the announcement."""
        if self._announcement:
            self._announcement.close()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def _serve(self) -> None:
        self._http.serve_forever(poll_interval=0.2)


class _HttpServer(TCPServer):
    """Like http.server.HTTPServer, which would ask a name server for our own name."""

    allow_reuse_address = True
    respond: Callable[[str, str], tuple[HTTPStatus, Any]]

    def handle_error(self, request: Any, client_address: Any) -> None:
        _log.debug("OSCQuery request from %s failed", client_address, exc_info=True)


class _QueryHandler(BaseHTTPRequestHandler):
    server: _HttpServer  # type: ignore[assignment]
    timeout = 2
    """Seconds that a client may take for its request; the next client waits that long."""
    server_version = "Ghostnote"
    sys_version = ""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        status, value = self.server.respond(unquote(parts.path), parts.query)
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        _log.debug("%s %s", self.address_string(), format % args)


class _Announcement:
    """Announces OSC and OSCQuery by zeroconf until it is closed; in the background, since that takes seconds."""

    def __init__(self, osc: tuple[str, int]) -> None:
        """Raises MissingError if zeroconf is not installed."""
        try:
            from zeroconf import InterfaceChoice, ServiceInfo, Zeroconf
        except ModuleNotFoundError as error:
            raise MissingError("announcing OSC needs the extra 'discover': pip install -e '.[discover]'") from error
        host = "127.0.0.1" if osc[0] == "localhost" else osc[0]
        everywhere = host in ("0.0.0.0", "::")
        self._zeroconf = Zeroconf(interfaces=InterfaceChoice.All if everywhere else [host])
        address = _own_address() if everywhere else host
        self._services = [
            ServiceInfo(kind, f"Ghostnote.{kind}", port=osc[1], parsed_addresses=[address]) for kind in _SERVICES
        ]
        self._thread = threading.Thread(target=self._register, name="zeroconf", daemon=True)
        self._thread.start()

    def _register(self) -> None:
        for service in self._services:
            self._zeroconf.register_service(service, allow_name_change=True)

    def close(self) -> None:
        """Withdraw the announcement."""
        self._thread.join()
        self._zeroconf.close()


def _own_address() -> str:
    """The address from which this machine would reach others; no packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return probe.getsockname()[0]
