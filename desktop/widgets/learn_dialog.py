"""The dialogue that learns a MIDI map by hitting pads."""

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLineEdit, QProgressBar, QWidget

from desktop.learn_process import LearnProcess
from desktop.learning import NAME, STEPS, Learning
from desktop.widgets.parts import button, caption, column, label, row, set_tone

STEPS_SHOWN = 1000


class LearnDialog(QDialog):
    """Asks for one pad after the other; accepted when the map has been saved under `learning.saved`."""

    def __init__(self, midi: str, parent: QWidget | None = None) -> None:
        """`midi`: the source to listen to, "" = the virtual port."""
        super().__init__(parent)
        self.setWindowTitle("Learn a MIDI map")
        self.setMinimumWidth(520)
        self.process = LearnProcess(self)
        self.learning = Learning(self.process.send)
        self.question = label("", "head", wrap=True)
        self.port, self.said = label("Opening the MIDI port", "soft", wrap=True), label("", "soft", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, STEPS_SHOWN)
        self.bar.setAccessibleName("Progress")
        self.name = QLineEdit()
        self.name.setPlaceholderText("Name of the map")
        self.name.setAccessibleName("Name of the map")
        self.name.textChanged.connect(lambda _: self.refresh())
        self.back = button("Back", "", "One step back", self._back)
        self.next = button("Skip", "primary", "The next step", self._next)
        self.cancel = button("Cancel", "", "Learn nothing", self.reject)
        layout = column(
            caption("Learn a map"), self.question, self.said, self.name, 1, self.bar, self.port,
            row(self.cancel, 1, self.back, self.next), spacing=14,
        )  # fmt: skip
        layout.setContentsMargins(24, 24, 24, 24)
        self.setLayout(layout)
        self.process.answered.connect(self._answered)
        self._midi = midi
        self.refresh()

    def begin(self) -> None:
        """Open the MIDI port, which must be free."""
        self.process.start(self._midi)

    def refresh(self) -> None:
        """Show the current step."""
        learning = self.learning
        naming = learning.step == NAME
        self.question.setText(learning.question)
        self.question.setAlignment(Qt.AlignmentFlag.AlignLeft)
        done = list(learning.learned.items())[-1:]
        said = learning.fault or "".join(f"{step.replace('_', ' ')}: {what}" for step, what in done)
        self.said.setText(said)
        set_tone(self.said, "warn" if learning.fault else "")
        self.port.setText(f"Listening to {learning.port}" if learning.port else "Opening the MIDI port")
        self.bar.setValue(round(STEPS_SHOWN * learning.progress))
        self.name.setVisible(naming)
        self.back.setEnabled(learning.step != STEPS[0])
        listens = learning.step in ("pedal", "choke")
        self.next.setText("Save" if naming else "Next" if listens else "Skip")
        self.next.setEnabled(bool(learning.port) and (not naming or bool(self.name.text().strip())))

    def _back(self) -> None:
        self.learning.back()
        self.refresh()

    def _next(self) -> None:
        if self.learning.step == NAME:
            self.learning.save(self.name.text().strip())
        else:
            self.learning.go_on()
        self.refresh()

    def _answered(self, answer: dict[str, Any]) -> None:
        self.learning.take(answer)
        self.refresh()
        if self.learning.saved:
            self.accept()

    def done(self, result: int) -> None:
        """Also stop the process."""
        self.process.stop()
        super().done(result)
