"""Pads: one for each piece, lit by its hits, played by clicks and keys."""

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QFont, QMouseEvent, QPainter, QPaintEvent, QRadialGradient
from PySide6.QtWidgets import QAbstractButton, QMenu, QSizePolicy

from desktop.pieces import TITLES, ways_of
from desktop.theme import Theme
from desktop.widgets.parts import Animation

DECAY = 0.86
"""Factor by which a pad's light fades per frame."""
KEY_VELOCITY = 0.8


class Pad(QAbstractButton):
    """A pad. A click in its middle is loud, at its edge soft; the menu of the right button has all articulations."""

    struck = Signal(str, float)
    """Articulation and velocity 0..1."""

    def __init__(self, piece: str, key: str, animation: Animation) -> None:
        """`key`: the name of its shortcut."""
        super().__init__()
        self.piece, self._key, self._animation = piece, key, animation
        self.way = ways_of(piece)[0][0]
        """The articulation that a click plays."""
        self.light = 0.0
        """0 dark .. 1 just struck at full velocity."""
        self.setAccessibleName(f"{TITLES[piece]} pad")
        self.setToolTip(f"{TITLES[piece]}, key {key}\nMiddle loud, edge soft; right button: other articulations")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(64, 72)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._by_mouse = False
        animation.add(self._advance)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Roughly square."""
        return QSize(96, 92)

    def flash(self, velocity: float) -> None:
        """Light up."""
        self.light = max(self.light, 0.35 + 0.65 * velocity)
        self.update()
        self._animation.wake()

    def strike(self) -> None:
        """Play the pad as a key does."""
        self.struck.emit(self.way, KEY_VELOCITY)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Play at the position of the click."""
        super().mousePressEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._by_mouse = True
            at, middle = event.position(), QPointF(self.width() / 2, self.height() / 2)
            far = math.hypot((at.x() - middle.x()) / middle.x(), (at.y() - middle.y()) / middle.y())
            self.struck.emit(self.way, round(max(0.3, 1.0 - 0.6 * far), 2))

    def nextCheckState(self) -> None:  # noqa: N802
        """Space, and assistive technology, play as a key does."""
        if not self._by_mouse:
            self.strike()
        self._by_mouse = False

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """Choose the articulation of this pad; it is played at once."""
        menu = QMenu(self)
        for name, title in ways_of(self.piece):
            action = menu.addAction(title)
            action.setCheckable(True)
            action.setChecked(name == self.way)
            action.triggered.connect(lambda _, name=name: self._use(name))
        menu.exec(event.globalPos())

    def _use(self, way: str) -> None:
        self.way = way
        self.strike()

    def _advance(self) -> bool:
        if self.light == 0:
            return False
        self.light *= DECAY
        if self.light < 0.01:
            self.light = 0.0
        self.update()
        return self.light > 0

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """A rounded square that glows from its middle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        base = Theme.colour("hover" if self.underMouse() else "raised")
        if self.light:
            glow = QRadialGradient(area.center(), area.width() * 0.75)
            glow.setColorAt(0, _mix(base, Theme.colour("accent"), min(1.0, self.light)))
            glow.setColorAt(1, _mix(base, Theme.colour("accent"), 0.6 * self.light))
            painter.setBrush(glow)
        else:
            painter.setBrush(base)
        painter.setPen(Theme.colour("accent") if self.hasFocus() or self.light > 0.2 else Theme.colour("line"))
        painter.drawRoundedRect(area, 12, 12)
        lit = self.light > 0.7
        font = QFont(self.font())
        font.setPixelSize(13)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(Theme.colour("accent_text" if lit else "text"))
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, TITLES[self.piece])
        font.setPixelSize(10)
        painter.setFont(font)
        painter.setPen(Theme.colour("accent_text" if lit else "soft"))
        painter.drawText(
            area.adjusted(8, 6, -8, -6), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, self._key
        )


def _mix(one: QColor, other: QColor, share: float) -> QColor:
    parts = [a + (b - a) * share for a, b in zip(one.getRgbF()[:3], other.getRgbF()[:3], strict=True)]  # type: ignore[index]
    return QColor.fromRgbF(*parts)
