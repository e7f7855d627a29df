"""Which audio outputs and MIDI sources there are, asked of a process of its own: looking takes a while."""

import json
import logging

from PySide6.QtCore import QObject, QProcess, Signal

from desktop.program import command

_log = logging.getLogger(__name__)


class DeviceList(QObject):
    """Looks for devices when asked to."""

    found = Signal(list, list, list)
    """Names of the outputs, names of the MIDI sources, and what was wrong."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None

    def look(self) -> None:
        """Look now; `found` tells."""
        if self._process is not None:
            return
        process = self._process = QProcess(self)
        process.finished.connect(lambda *_: self._read(process))
        process.errorOccurred.connect(lambda error: self._error(process, error))
        program, *arguments = command("app", "devices")
        process.start(program, arguments)

    def stop(self) -> None:
        """Look no longer."""
        process, self._process = self._process, None
        if process is not None:
            process.blockSignals(True)
            process.kill()
            process.waitForFinished(1000)

    def _error(self, process: QProcess, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._read(process)

    def _read(self, process: QProcess) -> None:
        if process is not self._process:
            return
        self._process = None
        text = bytes(process.readAllStandardOutput().data()).decode("utf-8", "replace")
        process.deleteLater()
        try:
            answer = json.loads(text.splitlines()[-1])
            self.found.emit(answer["outputs"], answer["sources"], answer["faults"])
        except (ValueError, IndexError, KeyError, TypeError) as error:
            _log.warning("no list of devices: %s", error)
            self.found.emit([], [], ["the audio devices could not be listed"])
