"""One column of the mixer: pad, pan, fader, mute and solo of one piece."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QSlider, QWidget

from desktop.mixer import Mixer
from desktop.pieces import TITLES, db_text, fader_db, fader_position
from desktop.session import Session, path
from desktop.theme import Theme
from desktop.widgets.pads import Pad
from desktop.widgets.parts import Animation, column, label, row

FADER_STEPS = 1000
PAN_STEPS = 100


class _Slider(QSlider):
    """A custom slider that jumps to a click and resets on a double click."""

    def __init__(self, orientation: Qt.Orientation, home: int) -> None:
        super().__init__(orientation)
        self._home = home
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._follow(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self.isSliderDown():
            self._follow(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self.setSliderDown(False)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self.setSliderDown(False)
        self.setValue(self._home)

    def _follow(self, event: QMouseEvent) -> None:
        at, half = event.position(), self.cap() / 2
        if self.orientation() == Qt.Orientation.Vertical:
            share = 1 - (at.y() - half) / max(1.0, self.height() - 2 * half)
        else:
            share = (at.x() - half) / max(1.0, self.width() - 2 * half)
        self.setValue(round(self.minimum() + min(1.0, max(0.0, share)) * (self.maximum() - self.minimum())))

    def cap(self) -> float:
        """Length of the handle along the slider."""
        return 16.0

    def share(self) -> float:
        """Position of the handle, 0..1."""
        return (self.value() - self.minimum()) / (self.maximum() - self.minimum())


class Fader(_Slider):
    """A vertical level; its line is filled up to the handle and marked at 0 dB."""

    def __init__(self, name: str) -> None:
        super().__init__(Qt.Orientation.Vertical, round(FADER_STEPS * fader_position(0)))
        self.setRange(0, FADER_STEPS)
        self.setPageStep(50)
        self.setSingleStep(10)
        self.setAccessibleName(name)
        self.setToolTip(f"{name}; double click: 0 dB")
        self.setMinimumSize(36, 72)
        self.dimmed = False

    def sizeHint(self) -> QSize:  # noqa: N802
        """As tall as there is room."""
        return QSize(44, 120)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """The line, the mark, the handle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        half, middle = self.cap() / 2, self.width() / 2
        way = self.height() - 2 * half
        y = half + way * (1 - self.share())
        painter.setBrush(Theme.colour("hover"))
        painter.drawRoundedRect(QRectF(middle - 2, half, 4, way), 2, 2)
        painter.setBrush(Theme.colour("soft" if self.dimmed else "accent"))
        painter.drawRoundedRect(QRectF(middle - 2, y, 4, half + way - y), 2, 2)
        painter.setBrush(Theme.colour("soft", 0.7))
        zero = half + way * (1 - fader_position(0))
        for side in (-18, 10):
            painter.drawRect(QRectF(middle + side, zero - 0.5, 8, 1))
        painter.setBrush(Theme.colour("accent" if self.hasFocus() or self.isSliderDown() else "text"))
        painter.drawRoundedRect(QRectF(middle - 13, y - half + 1, 26, 2 * half - 2), 5, 5)
        painter.setBrush(Theme.colour("surface"))
        painter.drawRect(QRectF(middle - 8, y - 0.75, 16, 1.5))


class PanSlider(_Slider):
    """A horizontal position; its line is filled from the middle."""

    def __init__(self, name: str) -> None:
        super().__init__(Qt.Orientation.Horizontal, 0)
        self.setRange(-PAN_STEPS, PAN_STEPS)
        self.setPageStep(20)
        self.setSingleStep(5)
        self.setAccessibleName(name)
        self.setMinimumSize(48, 20)
        self.valueChanged.connect(lambda _: self._tip())
        self._tip()

    def cap(self) -> float:
        """A small handle."""
        return 12.0

    def _tip(self) -> None:
        value = self.value()
        where = "middle" if not value else f"{abs(value)} % {'left' if value < 0 else 'right'}"
        self.setToolTip(f"{self.accessibleName()}: {where}; double click: middle")

    def sizeHint(self) -> QSize:  # noqa: N802
        """As wide as there is room."""
        return QSize(72, 20)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """The line, filled from the middle to the handle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        half, y = self.cap() / 2, self.height() / 2
        way = self.width() - 2 * half
        x, middle = half + way * self.share(), half + way / 2
        painter.setBrush(Theme.colour("hover"))
        painter.drawRoundedRect(QRectF(half, y - 1.5, way, 3), 1.5, 1.5)
        painter.drawRect(QRectF(middle - 0.5, y - 5, 1, 10))
        painter.setBrush(Theme.colour("accent"))
        painter.drawRect(QRectF(min(x, middle), y - 1.5, abs(x - middle), 3))
        painter.setBrush(Theme.colour("accent" if self.hasFocus() or self.isSliderDown() else "text"))
        painter.drawEllipse(QRectF(x - half + 1, y - half + 1, 2 * half - 2, 2 * half - 2))


class Strip(QWidget):
    """The column of one piece."""

    def __init__(self, piece: str, key: str, session: Session, mixer: Mixer, animation: Animation) -> None:
        super().__init__()
        title = TITLES[piece]
        self.piece, self._session, self._mixer = piece, session, mixer
        self.pad = Pad(piece, key, animation)
        self.pan = PanSlider(f"{title} position")
        self.fader = Fader(f"{title} level")
        self.value = label("", "small")
        self.value.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.mute = _letter("M", f"Mute {title}")
        self.solo = _letter("S", f"Solo {title}")
        self.pad.struck.connect(session.hit)
        self.pan.valueChanged.connect(lambda value: session.change(path(f"pan/{piece}"), value / PAN_STEPS))
        self.fader.valueChanged.connect(lambda value: mixer.set_fader(piece, round(fader_db(value / FADER_STEPS), 2)))
        self.mute.toggled.connect(lambda on: mixer.set_mute(piece, on))
        self.solo.toggled.connect(lambda on: mixer.set_solo(piece, on))
        upright = row(1, self.fader, 1)
        layout = column(self.pad, self.pan, upright, self.value, row(self.mute, self.solo, spacing=6), spacing=8)
        layout.setStretch(0, 2)
        layout.setStretch(2, 3)
        self.setLayout(layout)

    def show_level(self) -> None:
        """The mixer's fader, mute and solo."""
        db, silent = self._mixer.faders[self.piece], self._mixer.silent(self.piece)
        if not self.fader.isSliderDown():
            _quietly(self.fader, round(FADER_STEPS * fader_position(db)))
        self.fader.dimmed = silent
        self.fader.update()
        self.value.setText("muted" if silent else db_text(db) + ("" if db_text(db) == "off" else " dB"))
        for letter, on in ((self.mute, self.piece in self._mixer.muted), (self.solo, self.piece in self._mixer.soloed)):
            letter.blockSignals(True)
            letter.setChecked(on)
            letter.blockSignals(False)

    def show_pan(self) -> None:
        """The current position."""
        if not self.pan.isSliderDown():
            _quietly(self.pan, round(PAN_STEPS * self._session.number(f"pan/{self.piece}")))


def _letter(text: str, about: str) -> QPushButton:
    made = QPushButton(text)
    made.setProperty("role", "letter")
    made.setCheckable(True)
    made.setAccessibleName(about)
    made.setToolTip(about)
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return made


def _quietly(slider: QSlider, value: int) -> None:
    slider.blockSignals(True)
    slider.setValue(value)
    slider.blockSignals(False)
    slider.update()
