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

from tests.support.jack import JackServer, jack_missing

OUT = Path("docs/screenshots")
SECONDS = 9.0
WAIT = 120.0
PAGES = (
    ("Play", "dark"),
    ("Render", "dark"),
    ("Setup", "dark"),
    ("Check", "dark"),
    ("About", "dark"),
    ("Play", "light"),
)
PROMPT = "funk 98 bpm"
CHECKING = 90.0
"""Seconds that the check of the computer may take."""


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
    from desktop.app import add_pages, make_application
    from desktop.control import AppController
    from desktop.first_run import remember_seen
    from desktop.first_run_page import FirstRunPage
    from desktop.settings import AppSettings
    from desktop.theme import apply_theme
    from desktop.window import MainWindow
    from ghostnote.osc.free_port import free_port

    app = make_application()
    control = AppController(AppSettings(osc_port=free_port()))
    apply_theme(app, "dark")
    window = MainWindow(control)
    remember_seen()  # or a line about the check would come
    add_pages(app, window)

    def wait(seconds: float, ready: Callable[[], bool] = lambda: False) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not ready():
            app.processEvents()
            time.sleep(0.005)

    window.show()
    control.start()
    wait(WAIT, lambda: control.session.connected)
    window.play_page.grooves.prompt.setText(PROMPT)
    window.play_page.grooves.ask.click()
    wait(WAIT, lambda: control.session.groove_state[2] > 1)
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
        if isinstance(page := window.pages.currentWidget().widget(), FirstRunPage):  # type: ignore[attr-defined]
            wait(CHECKING, page.again.isEnabled)
            wait(0.5)
        wait(WAIT, window.banner.isHidden)  # what a busy machine has to tell is not the page
        wait(0.5)
        scale = "" if app.devicePixelRatio() == 1 else f"-{app.devicePixelRatio() * 100:.0f}"
        name = f"{title.lower()}{'-light' if theme == 'light' else ''}{scale}.png"
        window.grab().save(str(OUT / name))
        print(OUT / name)
    window.shutdown()
    control.shutdown()


if __name__ == "__main__":
    sys.exit(main())
