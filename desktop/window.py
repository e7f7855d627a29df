"""The main window: header with pages, presets and panic; a banner; the pages; the health line."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QHideEvent,
    QKeySequence,
    QPixmap,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QButtonGroup,
    QFrame,
    QLabel,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.control import AppController
from desktop.kit_list import read_kits
from desktop.theme import ASSETS, apply_theme
from desktop.widgets.banner import Banner
from desktop.widgets.health_bar import HealthBar
from desktop.widgets.learn_dialog import LearnDialog
from desktop.widgets.parts import button, label, row, scrolling
from desktop.widgets.play_page import PlayPage
from desktop.widgets.presets import PresetBox
from desktop.widgets.render_page import RenderPage, dropped_files
from desktop.widgets.setup_page import SetupPage
from ghostnote.errors import GhostnoteError
from ghostnote.osc.schema import Values
from ghostnote.osc.table import BUNDLE
from kits.layers import KitSummary

SIZE = (1280, 800)
SMALLEST = (960, 640)


class MainWindow(QMainWindow):
    """The whole window. `add_page` adds pages; the first is for playing."""

    closing = Signal()
    """The window is being closed by the user."""

    def __init__(self, control: AppController) -> None:
        super().__init__()
        self.control, session = control, control.session
        self.setWindowTitle("Ghostnote")
        self._kits: tuple[KitSummary, ...] = ()
        self.resize(*SIZE)
        self.setMinimumSize(*SMALLEST)
        self.banner, self.health = Banner(), HealthBar(session)
        self.pages = QStackedWidget()
        self.pages.setObjectName("page")
        self.presets = PresetBox(session)
        self._nav = row(spacing=4)
        self._nav_group = QButtonGroup(self)
        self.panic = button("Panic", "danger", "Silence everything at once (Esc)", control.panic)
        self.setCentralWidget(self._layout())
        self.play_page = PlayPage(control)
        self.render_page = RenderPage(control)
        self.setup_page = SetupPage(control, self.learn, self.restyle)
        self.add_page("Play", self.play_page)
        self.add_page("Render", self.render_page)
        self.add_page("Setup", self.setup_page)
        self.setAcceptDrops(True)
        self._connect()
        self._shortcuts()
        self.show_kits()

    def _layout(self) -> QWidget:
        head = QFrame()
        head.setProperty("role", "bar")
        head.setFixedHeight(56)
        line = row(_logo(), label("Ghostnote", "brand"), 1, self._nav, 1, self.presets, self.panic, spacing=10)
        line.setContentsMargins(20, 0, 16, 0)
        head.setLayout(line)
        box = QVBoxLayout()
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(head)
        box.addWidget(self.banner)
        box.addWidget(self.pages, 1)
        box.addWidget(self.health)
        central = QWidget()
        central.setObjectName("page")
        central.setLayout(box)
        return central

    def add_page(self, title: str, page: QWidget) -> None:
        """Add a page with a button in the header; Ctrl and its number shows it."""
        number = self.pages.addWidget(scrolling(page))
        nav = button(title, "nav", f"{title} (Ctrl+{number + 1})", lambda: self.show_page(number))
        nav.setCheckable(True)
        nav.setChecked(number == 0)
        self._nav_group.addButton(nav, number)
        self._nav.addWidget(nav)
        QShortcut(QKeySequence(f"Ctrl+{number + 1}"), self, lambda: self.show_page(number))

    def show_page(self, number: int) -> None:
        """Show the page that was added as the `number`th, from 0."""
        self.pages.setCurrentIndex(number)
        self._nav_group.button(number).setChecked(True)

    def page_number(self, title: str) -> int:
        """The number of a page by its title. Raises StopIteration if there is none."""
        return next(self._nav_group.id(b) for b in self._nav_group.buttons() if b.text() == title)

    def _connect(self) -> None:
        control, session = self.control, self.control.session
        control.state.connect(self.health.show_state)
        control.notice.connect(self.banner.notify)
        control.failed.connect(self.banner.fail)
        self.banner.retry.clicked.connect(lambda: control.start())
        self.banner.setup.clicked.connect(lambda: self.show_page(self.page_number("Setup")))
        session.listen("error", self._refused)
        session.listen("kits", lambda *_: self._told_kits())
        session.listen("saved", self._saved)
        session.listen("connection", lambda _, values: self._connected(bool(values[0])))
        self.play_page.setEnabled(False)

    def _shortcuts(self) -> None:
        keys = {
            "Esc": self.control.panic,
            "Ctrl+S": self.presets.ask,
            "Ctrl+O": self.render_page.choose,
            "Ctrl+F": self.play_page.kits.field.setFocus,
            "Ctrl+P": self.play_page.transport.play.click,
        }
        for key, action in keys.items():
            QShortcut(QKeySequence(key), self, lambda action=action: action())

    def show_kits(self) -> None:
        """Show the kits of the bundle that the settings name."""
        try:
            self._set_kits(read_kits(self.control.settings.bundle))
        except GhostnoteError as error:
            self.banner.fail(str(error))

    def _set_kits(self, kits: tuple[KitSummary, ...]) -> None:
        self._kits = kits
        self.play_page.kits.set_kits(kits)
        self.render_page.set_kits(kits)

    def _connected(self, there: bool) -> None:
        first = there and not self.play_page.isEnabled()
        self.play_page.setEnabled(there)
        if first and self.focusWidget() in (None, self.presets.save, self.presets.box, self.panic):
            self.play_page.kits.view.setFocus()

    def _refused(self, _address: str, values: Values) -> None:
        self.banner.notify(str(values[-1]) if values else "the sound engine refused a change")

    def _saved(self, _address: str, values: Values) -> None:
        name, fault = values
        self.banner.notify(str(fault) if fault else f"Preset “{name}” saved")

    def _told_kits(self) -> None:
        """Show the server's kits, with only their ids where no kit file here says more."""
        session = self.control.session
        if session.kits == tuple(kit.id for kit in self._kits):
            return
        try:
            known = {kit.id: kit for kit in read_kits(str(session.values.get(BUNDLE, ("",))[0]))}
        except GhostnoteError:
            known = {}
        self._set_kits(tuple(known.get(kit, KitSummary(kit, kit, "", "", "")) for kit in session.kits))

    def restyle(self, theme: str) -> None:
        """Change the theme."""
        app = QApplication.instance()
        if isinstance(app, QApplication):
            apply_theme(app, theme)

    def learn(self) -> None:
        """Learn a MIDI map; the sound engine is stopped meanwhile, as the MIDI port is needed."""
        control = self.control
        dialog = LearnDialog(control.settings.midi, self)
        begin = control.process.ended.connect(dialog.begin)
        control.pause()
        saved = dialog.exec()
        control.process.ended.disconnect(begin)
        if saved:
            control.remember(midi_map=dialog.learning.saved)
            self.setup_page.refresh()
        control.start()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Accept MIDI files on every page."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Show the page on which they are rendered."""
        self.show_page(self.page_number("Render"))
        self.render_page.take(dropped_files(event))

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Receive hits and levels again."""
        super().showEvent(event)
        self.control.link.set_hidden(False)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """The window is hidden: less traffic."""
        super().hideEvent(event)
        self.control.link.set_hidden(True)

    def shutdown(self) -> None:
        """Stop what the pages have started."""
        self.setup_page.devices.stop()
        self.render_page.queue.cancel()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Tell the app."""
        self.closing.emit()
        event.accept()


def _logo() -> QLabel:
    made = QLabel()
    picture = QPixmap(str(ASSETS / "ghostnote.svg"))
    picture = picture.scaled(64, 64, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
    picture.setDevicePixelRatio(2)
    made.setPixmap(picture)
    return made
