"""Renders files with `ghostnote render`, one process after the other, so that the live sound is not disturbed."""

import tempfile
from collections import deque
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, Signal

from desktop.program import command
from desktop.render_plan import RenderRequest, percent, written
from ghostnote.files.preset import dump_preset

END_MS = 3000


class RenderQueue(QObject):
    """Files that wait, and the one that is being rendered."""

    began = Signal(Path)
    """The source."""
    progressed = Signal(int)
    """Percent of the current file."""
    done = Signal(Path, str)
    """The sound file, and an error or ""."""
    idle = Signal()
    """The queue is empty."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: deque[RenderRequest] = deque()
        self._target = Path()
        self._folder = tempfile.TemporaryDirectory(prefix="ghostnote-")
        self._last = ""
        self.busy = False
        """Whether a file is being rendered."""
        process = self._process = QProcess(self)
        process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(lambda code, _: self._finished(code))
        process.errorOccurred.connect(self._error)

    def add(self, request: RenderRequest) -> None:
        """Render it when its turn comes."""
        self._waiting.append(request)
        if not self.busy:
            self._next()

    def cancel(self) -> None:
        """Stop the current file and drop the others; no partial file is left."""
        self._waiting.clear()
        if not self.busy:
            return
        self.busy = False
        self._process.kill()
        self._process.waitForFinished(END_MS)
        for file in written(self._target):
            file.unlink()
        self.idle.emit()

    def _next(self) -> None:
        self.busy = bool(self._waiting)
        if not self.busy:
            self.idle.emit()
            return
        request = self._waiting.popleft()
        self._target, self._last = request.target, ""
        preset = Path(self._folder.name, "preset.toml")
        preset.write_text(dump_preset(request.preset), encoding="utf-8")
        program, *arguments = command(*request.arguments(self._target, preset))
        self._process.start(program, arguments)
        self.began.emit(request.source)

    def _read(self) -> None:
        for line in bytes(self._process.readAllStandardOutput().data()).decode("utf-8", "replace").splitlines():
            share = percent(line)
            if share is not None:
                self.progressed.emit(share)
            elif line.strip():
                self._last = line.strip()

    def _error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._last = self._process.errorString()
            self._finished(1)

    def _finished(self, code: int) -> None:
        if not self.busy:
            return
        self._read()
        fault = "" if code == 0 else self._last.removeprefix("ghostnote: ") or f"it ended with status {code}"
        self.done.emit(self._target, fault)
        self._next()
