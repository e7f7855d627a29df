"""The listening test over HTTP, for a browser on this machine only."""

import json
import logging
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Any, Final

from ghostnote.errors import InputError, MissingError
from listening.session import ListeningSession

HOST: Final = "127.0.0.1"
PAGE: Final = Path(__file__).with_name("page.html")
_LARGEST: Final = 4096
"""Bytes of an answer."""
_log = logging.getLogger("listen")


class ListenServer(ThreadingTCPServer):
    """Serves `session` on 127.0.0.1 until it is shut down; `url` is what to open."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, session: ListeningSession, port: int) -> None:
        """`port` 0 = any free one. Raises MissingError if the port is taken."""
        self.session = session
        try:
            super().__init__((HOST, port), _ListeningHandler)
        except OSError as error:
            raise MissingError(f"port {port} of {HOST} cannot be used ({error}): choose another --port") from error

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://{HOST}:{self.port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that disconnects during a download is not an error."""
        _log.debug("request from %s failed", client_address, exc_info=True)


class _ListeningHandler(BaseHTTPRequestHandler):
    server: ListenServer  # type: ignore[assignment]
    timeout = 10
    server_version = "Ghostnote"
    sys_version = ""

    def do_GET(self) -> None:
        match self.path.strip("/").split("/"):
            case _ if not self._local():
                self._error(HTTPStatus.FORBIDDEN, "this page is for this machine only")
            case [""]:
                self._send(HTTPStatus.OK, "text/html; charset=utf-8", PAGE.read_bytes())
            case ["state"]:
                self._state()
            case ["clip", trial, slot] if trial.isdecimal():
                try:
                    self._send(HTTPStatus.OK, "audio/wav", self.server.session.clip(int(trial), slot))
                except InputError as error:
                    self._error(HTTPStatus.NOT_FOUND, str(error))
            case _:
                self._error(HTTPStatus.NOT_FOUND, f"nothing at {self.path!r:.80}")

    def do_POST(self) -> None:
        if not self._local() or self.path != "/answer":
            self._error(HTTPStatus.FORBIDDEN, "answers go to /answer, from this machine")
            return
        try:
            self.server.session.answer(*self._posted())
        except InputError as error:
            self._error(HTTPStatus.CONFLICT, str(error))
        except OSError as error:  # the disk is full, the folder is gone: the page keeps the question open
            self._error(HTTPStatus.INSUFFICIENT_STORAGE, f"the answer could not be written: {error}")
        else:
            self._state()

    def _posted(self) -> tuple[int, str, float, int]:
        try:
            size = min(int(self.headers["Content-Length"]), _LARGEST)
            body = json.loads(self.rfile.read(size))
            return int(body["trial"]), str(body["answer"]), float(body["seconds"]), int(body["plays"])
        except (TypeError, ValueError, KeyError) as error:
            raise InputError(f"not an answer: {error}") from None

    def _local(self) -> bool:
        """Whether the request was meant for this server, not led here by a foreign page (DNS rebinding, CSRF)."""
        own = {f"{host}:{self.server.port}" for host in (HOST, "localhost")}
        origin = self.headers.get("Origin")
        return self.headers.get("Host") in own and (origin is None or origin.removeprefix("http://") in own)

    def _state(self) -> None:
        self._send(HTTPStatus.OK, "application/json", json.dumps(self.server.session.state()).encode())

    def _error(self, status: HTTPStatus, message: str) -> None:
        self._send(status, "application/json", json.dumps({"error": message}).encode())

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        _log.debug("%s %s", self.address_string(), format % args)
