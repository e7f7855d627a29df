"""What MIDI ports of any library have in common: two names, `start` and `stop`, and a thread that watches them."""

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

CLIENT: Final = "Ghostnote"
IN_NAME: Final = "Ghostnote In"
OUT_NAME: Final = "Ghostnote Out"
POLL_S: Final = 1.0

_log = logging.getLogger("midi.in")

Receive = Callable[[float, bytes], None]
"""Arrival [s of perf_counter] and the bytes of one message."""


class Ports(ABC):
    """An input and an output, kept open from `start` to `stop` and reopened whenever they come back.

    `receive` is called by a thread of the library with each message and must return at once; `lost` by the watching
    thread when the ports disappear.
    """

    def __init__(self, receive: Receive, lost: Callable[[], None], source: str | None) -> None:
        """`source`: part of the name of the port to listen to, None = whoever connects to ours."""
        self._receive, self._lost, self._source = receive, lost, source
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="midi ports", daemon=True)

    def start(self) -> None:
        """Open the ports. Raises MissingError, saying what to do, if the system or the port does not exist."""
        self._open()
        self._thread.start()

    def stop(self) -> None:
        """Close the ports."""
        self._stop.set()
        self._thread.join()
        self._close()

    @property
    @abstractmethod
    def names(self) -> tuple[str, str]:
        """The input and the output that are open, "" for one that is not."""

    @abstractmethod
    def send(self, message: bytes) -> None:
        """Write one message to the output; does nothing if there is none."""

    @abstractmethod
    def _open(self) -> None:
        """Open both ports or raise."""

    @abstractmethod
    def _close(self) -> None:
        """Close what is open."""

    @abstractmethod
    def _alive(self) -> bool:
        """Whether the ports still exist; may also do what needs to be done every second."""

    def _watch(self) -> None:
        while not self._stop.wait(POLL_S):
            try:
                if self.names[0] and not self._alive():
                    _log.warning("the MIDI port %s has disappeared: waiting for it", self.names[0])
                    self._close()
                    self._lost()
                if not self.names[0]:
                    self._open()
                    _log.warning("the MIDI port %s is back", self.names[0])
            except Exception as error:  # the libraries' errors, and a server that is stopping at this moment
                _log.debug("%s", error)
