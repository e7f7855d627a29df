"""The server as a process of its own: started, restarted when it dies, stopped with the app.

The server's standard input is a pipe from here: when this process is gone, for whatever reason, the server reads the
end of it and exits, too. While it plays, a spare one waits that has already loaded everything (desktop.spare_server).
"""

import logging
import time
from collections import deque
from collections.abc import Sequence
from enum import Enum
from typing import Final

from PySide6.QtCore import QObject, QProcess, QTimer, Signal

from desktop.program import command
from desktop.spare_server import SpareServer
from ghostnote.osc.free_port import free_port

USER_ERROR: Final = 2
"""Exit status of an error that the user can fix: restarting would not help."""
MAX_CRASHES: Final = 3
CRASH_WINDOW_S: Final = 30.0
END_MS: Final = 3000
SPARE_AFTER_MS: Final = 2000
"""How long after a server is ready its spare is loaded: not before the first sound."""

_log = logging.getLogger(__name__)


class ServerState(Enum):
    """The state of the process."""

    STOPPED = "stopped"
    RUNNING = "running"
    FAILED = "failed"


class ServerProcess(QObject):
    """Runs `ghostnote serve` with some options."""

    started = Signal(int)
    """A process was started that receives OSC at this port."""
    crashed = Signal(str)
    """It crashed and has been restarted; the last line of its log, "" for none."""
    ended = Signal()
    """It was asked to stop, and has exited."""
    failed = Signal(str)
    """Why it is not running and needs the user."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = ServerState.STOPPED
        self._options: tuple[str, ...] = ()
        self._port = self._wanted_port = 0
        self._again = False
        """Whether to start once the process that is being stopped has exited."""
        self._killer = QTimer(self)
        self._killer.setSingleShot(True)
        self._killer.timeout.connect(lambda: self._process.kill())
        self._crashes: deque[float] = deque(maxlen=MAX_CRASHES)
        self._lines: deque[str] = deque(maxlen=50)
        self.spare = SpareServer(self)
        self._spare_timer = QTimer(self)
        self._spare_timer.setSingleShot(True)
        self._spare_timer.timeout.connect(self._prepare_spare)
        self._process = QProcess(self)
        self._wire(self._process)

    def _wire(self, process: QProcess) -> None:
        process.readyReadStandardOutput.connect(self._log_screen)
        process.readyReadStandardError.connect(self._read)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._error)

    @property
    def pid(self) -> int:
        """Process id, 0 if none is running."""
        return int(self._process.processId())

    @property
    def log(self) -> str:
        """The last lines that the server wrote."""
        return "\n".join(self._lines)

    def start(self, options: Sequence[str], port: int) -> None:
        """Start with these options of `ghostnote serve`, receiving OSC at `port` or, if it is taken, at another.

        A running process is stopped first; this does not wait for it.
        """
        self._options, self._wanted_port, self._again = tuple(options), port, True
        self._end()

    def end(self) -> None:
        """Ask the process to stop; `ended` is emitted when it has exited."""
        self._again = False
        self._end()

    def _end(self) -> None:
        self.state = ServerState.STOPPED
        if self._process.state() == QProcess.ProcessState.NotRunning:
            self._gone()
        else:
            self._process.closeWriteChannel()
            self._killer.start(END_MS)

    def _gone(self) -> None:
        self._killer.stop()
        if self._again:
            self._again, self._port = False, free_port(wanted=self._wanted_port)
            self._launch()
        else:
            self.ended.emit()

    def _launch(self) -> None:
        self.state = ServerState.RUNNING
        self._lines.clear()
        self._spare_timer.stop()
        if spare := self.spare.take(self._options, self._port):
            self._process.blockSignals(True)
            self._process.deleteLater()
            spare.setParent(self)
            self._process = spare
            self._wire(spare)
        else:
            program, *arguments = command("app", "server", *self._options, "--osc-port", str(self._port))
            self._process.start(program, arguments)
        self.started.emit(self._port)

    def keep_spare(self) -> None:
        """The server is ready: start a spare one soon."""
        self._spare_timer.start(SPARE_AFTER_MS)

    def _prepare_spare(self) -> None:
        if self.state is ServerState.RUNNING:
            self.spare.prepare(self._options, self._port)

    def restart_hanging(self) -> None:
        """Kill a server that does not answer; it is restarted as after a crash."""
        if self.state is ServerState.RUNNING:
            self._process.kill()

    def stop(self) -> None:
        """Stop the process and wait until it has exited, when the app quits; after some seconds it is killed."""
        self.state, self._again = ServerState.STOPPED, False
        self._spare_timer.stop()
        self.spare.stop()
        if self._process.state() == QProcess.ProcessState.NotRunning:
            return
        self._process.closeWriteChannel()
        if not self._process.waitForFinished(END_MS):
            self._process.kill()
            self._process.waitForFinished(END_MS)

    def _log_screen(self) -> None:
        _log.info("%s", bytes(self._process.readAllStandardOutput().data()).decode("utf-8", "replace"))

    def _read(self) -> None:
        text = bytes(self._process.readAllStandardError().data()).decode("utf-8", "replace")
        for line in text.splitlines():
            if line.strip():
                self._lines.append(line.strip())
                _log.info("%s", line.rstrip())

    def _error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._fail(f"the server cannot be started: {self._process.errorString()}")

    def _finished(self, code: int, status: QProcess.ExitStatus) -> None:
        if self.state is ServerState.STOPPED:
            self._gone()
        elif self.state is ServerState.RUNNING:
            self._died(code, status)

    def _died(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        last = self._lines[-1].removeprefix("ghostnote: ") if self._lines else ""
        now = time.monotonic()
        self._crashes.append(now)
        often = len(self._crashes) == MAX_CRASHES and now - self._crashes[0] < CRASH_WINDOW_S
        if status == QProcess.ExitStatus.NormalExit and code == USER_ERROR:
            self._fail(last or "the sound engine does not start and gives no reason")
        elif often:
            self._crashes.clear()
            often_text = f"the sound engine died {MAX_CRASHES} times within {CRASH_WINDOW_S:.0f} s"
            self._fail(f"{often_text}: {last or 'it gave no reason'}")
        else:
            _log.warning("the server died (%d): %s", code, last)
            self._port = free_port(wanted=self._port)
            self._launch()
            self.crashed.emit(last)

    def _fail(self, why: str) -> None:
        self.state = ServerState.FAILED
        self.spare.stop()
        self.failed.emit(why)
