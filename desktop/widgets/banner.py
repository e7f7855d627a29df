"""A line under the window's header: a notice, or why there is no sound and what to do."""

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFrame, QWidget

from desktop.widgets.parts import button, label, row

SHOWN_MS = 10_000


class Banner(QWidget):
    """Hidden while there is nothing to show. A failure stays until it is over, an offer until it is taken or closed;
    a notice disappears by itself."""

    def __init__(self) -> None:
        super().__init__()
        frame = QFrame()
        frame.setProperty("role", "notice")
        self.text = label("", wrap=True)
        self.retry = button("Try again", "primary", "Start the sound engine again")
        self.setup = button("Setup", "", "Choose another device")
        self.offered = button("Show me", "primary", "Show me", self._taken)
        self._take: Callable[[], object] = lambda: None
        self.close_button = button("✕", "link", "Close this message", self.clear)
        line = row(self.text, self.offered, self.retry, self.setup, self.close_button, spacing=10)
        line.setStretch(0, 1)
        line.setContentsMargins(14, 8, 8, 8)
        frame.setLayout(line)
        around = row(frame)
        around.setContentsMargins(16, 12, 16, 0)
        self.setLayout(around)
        self._failure = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.clear)
        self.hide()

    def notify(self, text: str) -> None:
        """Show a message for a while, unless a failure is shown."""
        if not self._failure:
            self._show(text, buttons=False)
            self._timer.start(SHOWN_MS)

    def offer(self, text: str, title: str, take: Callable[[], object]) -> None:
        """Show a message with a button that calls `take`, unless a failure is shown."""
        if not self._failure:
            self._timer.stop()
            self._take = take
            self.offered.setText(title)
            self.offered.setAccessibleName(title)
            self._show(text, buttons=False)
            self.offered.show()

    def _taken(self) -> None:
        self.clear()
        self._take()

    def fail(self, why: str) -> None:
        """Show why there is no sound until there is; "" = there is."""
        self._failure = why
        self._timer.stop()
        if why:
            self._show(f"No sound: {why}", buttons=True)
        elif self.retry.isVisibleTo(self):
            self.clear()

    def clear(self) -> None:
        """Hide."""
        self._timer.stop()
        self.hide()

    def _show(self, text: str, *, buttons: bool) -> None:
        self.text.setText(text)
        self.setAccessibleName(text)
        for one in (self.retry, self.setup):
            one.setVisible(buttons)
        self.offered.hide()
        self.show()
