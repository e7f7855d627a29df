"""The app as users see it, observed from inside: reports when window, server and spare are ready; plays a groove.

`ghostnote smoke` starts this as a process of its own and listens; it ends when its standard input is closed.
"""

import json
import signal
import sys
import threading
import time
from typing import Final

from PySide6.QtCore import QEvent, QObject

from desktop.app import make_application, run_app
from desktop.window import MainWindow

GROOVE: Final = "driving_rock"
"""The shipped groove that is played: its first hit is on the first beat."""


class Watcher(QObject):
    """Reports, as JSON lines, what happens and when (`time.time()`), beginning with the window."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._app = parent
        self._window: MainWindow | None = None
        parent.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Every event of the app, until the window has been painted."""
        if event.type() == QEvent.Type.Show and isinstance(watched, MainWindow):
            self._watch(watched)
        elif event.type() == QEvent.Type.Paint and watched is self._window:
            self._app.removeEventFilter(self)
            report("window")
        return False

    def _watch(self, window: MainWindow) -> None:
        self._window = window
        control = window.control
        control.link.arrived.connect(self._arrived)
        control.process.spare.ready.connect(lambda: report("spare"))
        control.failed.connect(lambda why: report("failed", why=why) if why else None)

    def _arrived(self) -> None:
        assert self._window is not None
        control = self._window.control
        report("server", pid=control.process.pid, port=control.link.port)
        control.play(GROOVE)


def report(event: str, **facts: object) -> None:
    """Write one line for `ghostnote smoke`, with the processor time [s] that this process has used so far."""
    sys.stdout.write(json.dumps({"event": event, "at": time.time(), "cpu": time.process_time(), **facts}) + "\n")
    sys.stdout.flush()


def run_watched() -> int:
    """Run the app until standard input is closed; its exit status."""
    app = make_application()
    watcher = Watcher(app)
    threading.Thread(target=_end_with_input, name="input", daemon=True).start()
    status = run_app({})
    watcher.deleteLater()
    return status


def _end_with_input() -> None:
    sys.stdin.read()
    signal.raise_signal(signal.SIGTERM)  # `run_app` ends at it
