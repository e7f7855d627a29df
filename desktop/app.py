"""The app: window, tray icon, server process, one event loop."""

import logging
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon

from desktop.about_page import AboutPage
from desktop.control import AppController
from desktop.first_run_page import TITLE, FirstRunPage
from desktop.settings import load_settings
from desktop.single import SingleInstance
from desktop.theme import ASSETS, apply_theme
from desktop.window import MainWindow
from ghostnote.errors import MissingError

_log = logging.getLogger(__name__)
_SIGNAL_LOOK_MS = 500


def run_app(given: Mapping[str, Any]) -> int:
    """Show the window until it is closed; `given` overrides saved settings by name. Returns the exit status."""
    app = make_application()
    single = SingleInstance(app)
    if not single.first():
        _log.info("Ghostnote is already running: its window was brought to the front")
        return 0
    control = AppController(replace(load_settings(), **given))
    apply_theme(app, control.settings.theme)
    window = MainWindow(control)
    add_pages(app, window)
    single.called.connect(lambda: bring_to_front(window))
    tray = make_tray(app, window)
    app.aboutToQuit.connect(window.shutdown)
    app.aboutToQuit.connect(control.shutdown)
    app.styleHints().colorSchemeChanged.connect(lambda: apply_theme(app, control.settings.theme))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: app.quit())
    looking = QTimer()  # lets Python see signals while Qt's loop waits
    looking.timeout.connect(lambda: None)
    looking.start(_SIGNAL_LOOK_MS)
    window.show()
    QTimer.singleShot(0, control.start)
    status = app.exec()
    tray.hide()
    single.release()
    return status


def add_pages(app: QApplication, window: MainWindow) -> None:
    """The rarely used pages: the system check and the licences."""
    check = FirstRunPage()
    window.add_page(TITLE, check)
    window.add_page("About", AboutPage())

    def show() -> None:
        window.show_page(window.page_number(TITLE))

    check.look_once(lambda text: window.banner.offer(text, "Show me", show))
    app.aboutToQuit.connect(check.doctor.stop)


def make_application() -> QApplication:
    """The QApplication with name and icon; the existing one, if there is one.

    Raises MissingError without a screen, where Qt would abort the program.
    """
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
        if sys.platform == "linux" and not any(os.environ.get(name) for name in screens):
            raise MissingError(
                "no screen: neither DISPLAY nor WAYLAND_DISPLAY is set; start the app from a desktop, or use "
                "`ghostnote serve` and `ghostnote render`, which do not need one"
            )
        app = QApplication(["Ghostnote"])
    app.setApplicationName("Ghostnote")
    app.setDesktopFileName("ghostnote")
    app.setWindowIcon(QIcon(str(ASSETS / "ghostnote.svg")))
    return app


def make_tray(app: QApplication, window: MainWindow) -> QSystemTrayIcon:
    """The tray icon: show, panic, quit."""
    tray = QSystemTrayIcon(app.windowIcon(), app)
    menu = QMenu(window)
    menu.addAction("Show Ghostnote", lambda: bring_to_front(window))
    menu.addAction("Panic", window.control.panic)
    menu.addSeparator()
    menu.addAction("Quit", app.quit)
    tray.setContextMenu(menu)
    tray.setToolTip("Ghostnote")
    tray.activated.connect(
        lambda reason: bring_to_front(window) if reason == QSystemTrayIcon.ActivationReason.Trigger else None
    )
    if QSystemTrayIcon.isSystemTrayAvailable():
        tray.show()
    return tray


def bring_to_front(window: MainWindow) -> None:
    """Show the window, wherever it is."""
    window.setWindowState(window.windowState() & ~window.windowState().WindowMinimized)
    window.show()
    window.raise_()
    window.activateWindow()
