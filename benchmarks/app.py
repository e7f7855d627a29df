"""What the app costs and how fast it is back: start, idle processor time, a killed server.

On a JACK server of our own whose clients are given up after half a second, as jackd does by default. Without a screen.
"""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from tests.support.jack import JackServer, jack_missing

IDLE_SECONDS = 10.0
KILLS = 5
BETWEEN_KILLS = 11.0
"""Longer than a third of the time within which the app gives up a server that dies three times."""


@contextmanager
def home() -> Generator[None]:
    """Settings of nobody, and no screen."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GHOSTNOTE_HOME"] = folder
        yield


def measure_app() -> None:
    """Print all figures."""
    begin = time.perf_counter()
    from PySide6.QtCore import QEventLoop, QTimer

    from desktop.app import make_application
    from desktop.control import AppController
    from desktop.settings import AppSettings
    from desktop.theme import apply_theme
    from desktop.window import MainWindow
    from ghostnote.osc.free_port import free_port

    app = make_application()
    control = AppController(AppSettings(osc_port=free_port()))
    apply_theme(app, "dark")
    window = MainWindow(control)
    session = control.session

    def wait(seconds: float, ready: Callable[[], bool] | None = None) -> None:
        loop, timer = QEventLoop(), QTimer()
        QTimer.singleShot(round(1000 * seconds), loop.quit)
        if ready is not None:
            timer.timeout.connect(lambda: ready() and loop.quit())
            timer.start(5)
        loop.exec()

    def plays() -> bool:
        return session.connected and int(session.figures.get("hops", 0)) > 0

    def busy(what: str) -> None:
        before, start = os.times(), time.perf_counter()
        wait(IDLE_SECONDS)
        after, seconds = os.times(), time.perf_counter() - start
        used = after.user + after.system - before.user - before.system
        print(f"processor time of the app, {what}: {100 * used / seconds:.1f} % of a core")

    window.show()
    app.processEvents()
    print(f"window visible after {time.perf_counter() - begin:.2f} s")
    control.start()
    wait(30, plays)
    print(f"sound engine renders after {time.perf_counter() - begin:.2f} s")
    for title in ("Play", "Render", "Setup"):
        window.show_page(window.page_number(title))
        wait(2)
        busy(f"idle on {title}")
    for _ in range(KILLS):
        start = time.perf_counter()
        os.kill(control.process.pid, signal.SIGKILL)
        session.figures = {}
        wait(30, lambda: not session.connected)
        wait(30, plays)
        print(f"server killed, next one renders after {time.perf_counter() - start:.2f} s")
        wait(BETWEEN_KILLS)
    window.shutdown()
    control.shutdown()


def main() -> int:
    """Measure, where there is JACK."""
    if jack_missing():
        print(f"needs JACK: {jack_missing()}")
        return 2
    with JackServer(f"ghostnote-app-{os.getpid()}", block=256, client_timeout=500) as jack, home():
        os.environ.update(jack.environment)
        print(f"load average {os.getloadavg()[0]:.1f}; JACK gives up a dead client after {jack.client_timeout} ms")
        measure_app()
    return 0


if __name__ == "__main__":
    sys.exit(main())
