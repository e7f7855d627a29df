"""The available audio outputs and MIDI sources, listed by a process of its own because that takes a while."""

import json
import logging
from typing import Final

from PySide6.QtCore import QObject, QProcess, Signal

from desktop.program import command

END_MS: Final = 1000

_log = logging.getLogger(__name__)


class DeviceList(QObject):
    """Lists devices on request."""

    found = Signal(list, list, list)
    """Names of the outputs, names of the MIDI sources, and what was wrong."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._looking = False
        process = self._process = QProcess(self)
        process.finished.connect(lambda *_: self._read())
        process.errorOccurred.connect(self._error)

    def refresh(self) -> None:
        """List now; `found` is emitted."""
        if not self._looking:
            self._looking = True
            program, *arguments = command("app", "devices")
            self._process.start(program, arguments)

    def stop(self) -> None:
        """Cancel."""
        self._looking = False
        self._process.kill()
        self._process.waitForFinished(END_MS)

    def _error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._read()

    def _read(self) -> None:
        if not self._looking:
            return
        self._looking = False
        text = bytes(self._process.readAllStandardOutput().data()).decode("utf-8", "replace")
        try:
            answer = json.loads(text.splitlines()[-1])
            self.found.emit(answer["outputs"], answer["sources"], answer["faults"])
        except (ValueError, IndexError, KeyError, TypeError) as error:
            _log.warning("no list of devices: %s", error)
            self.found.emit([], [], ["the audio devices could not be listed"])
