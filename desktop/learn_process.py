"""The process that receives MIDI while a map is learned: commands as lines, answers as JSON lines."""

import json
import logging
from typing import Any, Final

from PySide6.QtCore import QObject, QProcess, Signal

from desktop.program import command

END_MS: Final = 1000

_log = logging.getLogger(__name__)


class LearnProcess(QObject):
    """Runs `ghostnote app learn` from `start` to `stop`."""

    answered = Signal(dict)
    """One answer, or {"fault": text} if the process ended by itself."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._running = False
        self._last = ""
        process = self._process = QProcess(self)
        process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(lambda *_: self._finished())

    def start(self, midi: str) -> None:
        """Listen to the MIDI source of this name, "" = the virtual port."""
        self._running = True
        program, *arguments = command("app", "learn", *(["--midi", midi] if midi else []))
        self._process.start(program, arguments)

    def send(self, line: str) -> None:
        """Send one command."""
        self._process.write(f"{line}\n".encode())

    def stop(self) -> None:
        """End the process."""
        self._running = False
        self._process.closeWriteChannel()
        if self._process.state() != QProcess.ProcessState.NotRunning and not self._process.waitForFinished(END_MS):
            self._process.kill()
            self._process.waitForFinished(END_MS)

    def _read(self) -> None:
        while self._process.canReadLine():
            line = bytes(self._process.readLine().data()).decode("utf-8", "replace").strip()
            try:
                answer: Any = json.loads(line)
            except ValueError:
                _log.info("%s", line)
                self._last = line or self._last
            else:
                if isinstance(answer, dict):
                    self.answered.emit(answer)

    def _finished(self) -> None:
        if self._running:
            self._running = False
            self.answered.emit({"fault": self._last.removeprefix("ghostnote: ") or "the MIDI process has stopped"})
