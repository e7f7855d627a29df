"""A port number that is free for both OSC (UDP) and OSCQuery (TCP, the same number)."""

import logging
import socket
from typing import Final

from ghostnote.errors import InputError

TRIES: Final = 50
_log = logging.getLogger(__name__)


def free_port(host: str = "127.0.0.1", wanted: int = 0) -> int:
    """`wanted` if it is free on `host`, else (or for 0) a port that is. Raises InputError if none is found."""
    fault: OSError | None = None
    for port in (wanted, *[0] * TRIES):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as osc, socket.socket() as query:
            try:
                osc.bind((host, port))
                found: int = osc.getsockname()[1]
                query.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                query.bind((host, found))
            except OSError as error:
                _log.info("%s port %d: %s", host, port, error)
                fault = error
                continue
            return found
    raise InputError(
        f"no port of {host} is free for both OSC and OSCQuery ({fault}): close other programs or choose another host"
    )
