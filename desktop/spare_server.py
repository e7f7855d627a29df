"""A second server process that has loaded everything but opened nothing: it takes over when the first dies."""

import logging
from collections.abc import Sequence

from PySide6.QtCore import QObject, QProcess, Signal

from desktop.program import command

BEGIN = b"begin\n"
"""Written to a spare's standard input to start it."""

_log = logging.getLogger(__name__)


class SpareServer(QObject):
    """At most one waiting process. It exits by itself when this process is gone, as its standard input then ends."""

    ready = Signal()
    """It has loaded everything."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._words: tuple[str, ...] = ()

    @property
    def pid(self) -> int:
        """Process id, 0 if none is waiting."""
        return int(self._process.processId()) if self._process else 0

    def prepare(self, options: Sequence[str], port: int) -> None:
        """Start a process that waits to serve with these options of `ghostnote serve` at this OSC port."""
        words = (*options, "--osc-port", str(port))
        if self._process and words == self._words:
            return
        self.stop()
        self._words = words
        process = self._process = QProcess(self)
        process.readyReadStandardOutput.connect(self.ready)
        process.finished.connect(self._gone)
        program, *arguments = command("app", "server", "--spare", *words)
        process.start(program, arguments)

    def take(self, options: Sequence[str], port: int) -> QProcess | None:
        """The waiting process, which starts now and is handed over; None if none waits for exactly these."""
        process, fits = self._process, self._words == (*options, "--osc-port", str(port))
        if process is None or not fits or process.state() != QProcess.ProcessState.Running:
            self.stop()
            return None
        self._process = None
        process.readyReadStandardOutput.disconnect(self.ready)
        process.finished.disconnect(self._gone)
        process.write(BEGIN)
        return process

    def stop(self) -> None:
        """Stop the waiting process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.blockSignals(True)
        process.kill()
        process.waitForFinished()
        process.deleteLater()

    def _gone(self) -> None:
        """It exited while it waited: the next start loads by itself, and reports what is wrong."""
        process, self._process = self._process, None
        if process:
            _log.info(
                "the spare server ended: %s", bytes(process.readAllStandardError().data()).decode("utf-8", "replace")
            )
            process.deleteLater()
