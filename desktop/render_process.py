"""Renders files with `ghostnote render`, one process after the other, so that the live sound is not disturbed."""

from collections import deque
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, Signal

from desktop.program import command
from desktop.render_plan import RenderWish, percent

END_MS = 3000


class RenderQueue(QObject):
    """Files that wait, and the one that is being rendered."""

    began = Signal(Path)
    """The source."""
    progressed = Signal(int)
    """Percent of the present file."""
    done = Signal(Path, str)
    """The sound file, and "" or why there is none."""
    idle = Signal()
    """Nothing is left to do."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: deque[RenderWish] = deque()
        self._process: QProcess | None = None
        self._target = Path()
        self._last = ""

    @property
    def busy(self) -> bool:
        """Whether a file is being rendered."""
        return self._process is not None

    def add(self, wish: RenderWish) -> None:
        """Render it when its turn comes."""
        self._waiting.append(wish)
        if self._process is None:
            self._next()

    def cancel(self) -> None:
        """Stop the present file and forget the others; nothing of it is left."""
        self._waiting.clear()
        process, self._process = self._process, None
        if process is None:
            return
        process.blockSignals(True)
        process.kill()
        process.waitForFinished(END_MS)
        process.deleteLater()
        self._target.unlink(missing_ok=True)
        self.idle.emit()

    def _next(self) -> None:
        if not self._waiting:
            self.idle.emit()
            return
        wish = self._waiting.popleft()
        self._target, self._last = wish.target, ""
        process = self._process = QProcess(self)
        process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        process.readyReadStandardOutput.connect(lambda: self._read(process))
        process.finished.connect(lambda code, _: self._finished(process, code))
        process.errorOccurred.connect(lambda error: self._error(process, error))
        program, *arguments = command(*wish.arguments(self._target))
        process.start(program, arguments)
        self.began.emit(wish.source)

    def _read(self, process: QProcess) -> None:
        for line in bytes(process.readAllStandardOutput().data()).decode("utf-8", "replace").splitlines():
            share = percent(line)
            if share is not None:
                self.progressed.emit(share)
            elif line.strip():
                self._last = line.strip()

    def _error(self, process: QProcess, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._last = process.errorString()
            self._finished(process, 1)

    def _finished(self, process: QProcess, code: int) -> None:
        if process is not self._process:
            return
        self._read(process)
        process.deleteLater()
        self._process = None
        fault = "" if code == 0 else self._last.removeprefix("ghostnote: ") or f"it ended with status {code}"
        self.done.emit(self._target, fault)
        self._next()
