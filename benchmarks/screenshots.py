"""The pictures of the app in docs/screenshots, made without a screen: `python -m benchmarks.screenshots`.

A groove plays through the shipped bundle on a JACK server of our own, so that everything shown is real. With
QT_SCALE_FACTOR=2 the same pages at 200 %.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.jack_probe import JackServer, jack_missing

OUT = Path("docs/screenshots")
SECONDS = 9.0
PAGES = (("Play", "dark"), ("Render", "dark"), ("Setup", "dark"), ("Play", "light"))


def main() -> int:
    """Write one PNG for each of `PAGES`."""
    if jack_missing():
        print(f"needs JACK: {jack_missing()}")
        return 2
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    OUT.mkdir(parents=True, exist_ok=True)
    with JackServer(f"ghostnote-shots-{os.getpid()}", block=256) as jack, tempfile.TemporaryDirectory() as home:
        os.environ.update(jack.environment, GHOSTNOTE_HOME=home)
        take_all()
    return 0


def take_all() -> None:
    """Start the app, play, and save the pages."""
    from desktop.app import make_application
    from desktop.control import Control
    from desktop.settings import AppSettings
    from desktop.theme import apply_theme
    from desktop.window import MainWindow
    from ghostnote.free_port import free_port

    app = make_application()
    control = Control(AppSettings(osc_port=free_port()))
    apply_theme(app, "dark")
    window = MainWindow(control)

    def wait(seconds: float, ready: Callable[[], bool] = lambda: False) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not ready():
            app.processEvents()
            time.sleep(0.005)

    window.show()
    control.start()
    wait(20, lambda: control.session.connected)
    window.play_page.transport.play.click()
    control.mixer.set_fader("crash_1", -4.5)
    control.mixer.set_mute("tom_low", True)
    wait(SECONDS)
    worn = "dark"
    for title, theme in PAGES:
        window.show_page(window.page_number(title))
        if theme != worn:
            apply_theme(app, theme)
            worn = theme
            wait(SECONDS)  # the change itself is a gap in the lanes
        wait(1.5)
        scale = "" if app.devicePixelRatio() == 1 else f"-{app.devicePixelRatio() * 100:.0f}"
        name = f"{title.lower()}{'-light' if theme == 'light' else ''}{scale}.png"
        window.grab().save(str(OUT / name))
        print(OUT / name)
    window.shutdown()
    control.shutdown()


if __name__ == "__main__":
    sys.exit(main())
