"""The page of the first start, also available later: what may keep this computer from playing well, and what to do."""

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QProcess, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from desktop.first_run import DoctorResult, is_first_run, read_findings, remember_seen, summary
from desktop.program import command
from desktop.widgets.parts import button, card, column, label, row, set_tone
from ghostnote.errors import InputError

END_MS: Final = 1000
COPIED_MS: Final = 1500
FIRST_LOOK_MS: Final = 8000
TITLE: Final = "Check"


class Doctor(QObject):
    """Runs `ghostnote doctor` in a process of its own, since it takes seconds."""

    found = Signal(list)
    """Of `DoctorResult`."""
    failed = Signal(str)
    """Why the check failed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process = QProcess(self)
        self._process.finished.connect(lambda *_: self._read())
        self._process.errorOccurred.connect(self._error)

    def check(self) -> None:
        """Check now, unless it is checking already; emits `found` or `failed`."""
        if self._process.state() == QProcess.ProcessState.NotRunning:
            program, *arguments = command("doctor", "--json")
            self._process.start(program, arguments)

    def stop(self) -> None:
        """Cancel."""
        self._process.blockSignals(True)
        self._process.kill()
        self._process.waitForFinished(END_MS)

    def _error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self.failed.emit(f"the check cannot be started: {self._process.errorString()}")

    def _read(self) -> None:
        lines = bytes(self._process.readAllStandardOutput().data()).decode("utf-8", "replace").splitlines()
        try:
            self.found.emit(read_findings(lines[-1] if lines else ""))
        except InputError as error:
            self.failed.emit(str(error))


class FirstRunPage(QWidget):
    """The results, those with something to do first; checks whenever it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self.doctor = Doctor(self)
        self.doctor.found.connect(self.show_findings)
        self.doctor.failed.connect(self._failed)
        self.head, self.summary = label("Is this computer ready?", "head"), label("", "soft", wrap=True)
        self.again = button("Check again", "", "Check this computer again", self.check)
        self._list = QVBoxLayout()
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(10)
        inner = QWidget()
        inner.setObjectName("page")
        inner.setLayout(column(self._list, 1))
        area = QScrollArea()
        area.setWidget(inner)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        page = column(row(column(self.head, self.summary, spacing=4), 1, self.again), area, spacing=14)
        page.setContentsMargins(16, 16, 16, 16)
        self.setLayout(page)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """It is looked at: look."""
        super().showEvent(event)
        remember_seen()
        self.check()

    def look_once(self, show: Callable[[str], None], delay_ms: int = FIRST_LOOK_MS) -> None:
        """At the first run, check after a while, when there is sound; `show` a line if there is something to do."""
        if not is_first_run():
            return

        def received(findings: list[DoctorResult]) -> None:
            self.doctor.found.disconnect(received)
            remember_seen()
            if not all(finding.good for finding in findings):
                show(summary(findings))

        self.doctor.found.connect(received)
        QTimer.singleShot(delay_ms, self, self.check)

    def check(self) -> None:
        """Look now."""
        self.again.setEnabled(False)
        self.summary.setText("Looking ...")
        self.doctor.check()

    def show_findings(self, findings: list[DoctorResult]) -> None:
        """Show these instead of the previous ones."""
        self.again.setEnabled(True)
        self.summary.setText(summary(findings))
        while item := self._list.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        for finding in sorted(findings, key=lambda one: one.good):
            self._list.addWidget(_card(finding))

    def _failed(self, why: str) -> None:
        self.again.setEnabled(True)
        self.summary.setText(why)


def _card(finding: DoctorResult) -> QFrame:
    state = label("Good" if finding.good else "To do", "chip")
    set_tone(state, "good" if finding.good else "warn")
    name = _sentence(finding.name)
    parts = column(row(label(name, "title"), 1, state), label(_sentence(finding.found), "soft", wrap=True), spacing=6)
    if not finding.good and finding.remedy:
        remedy = label(_rich(_sentence(finding.remedy)), wrap=True)
        remedy.setTextFormat(Qt.TextFormat.RichText)
        remedy.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        parts.addWidget(remedy)
        for line in finding.commands:
            parts.addLayout(_copy_row(line))
    frame = card(parts)
    frame.setAccessibleName(f"{name}: {'good' if finding.good else 'to do'}. {finding.found}")
    return frame


def _copy_row(line: str) -> QVBoxLayout:
    copy = button("Copy", "link", f"Copy {line}")

    def clicked() -> None:
        QGuiApplication.clipboard().setText(line)
        copy.setText("Copied")
        QTimer.singleShot(COPIED_MS, copy, lambda: copy.setText("Copy"))

    copy.clicked.connect(clicked)
    return column(row(label(line, "key"), copy, 1))


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _rich(remedy: str) -> str:
    words = remedy.replace("&", "&amp;").replace("<", "&lt;").split("`")
    return "".join(f"<code>{word}</code>" if n % 2 else word for n, word in enumerate(words))
