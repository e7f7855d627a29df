"""The output as the server reports it: level with clip light, and spectrum."""

import time
from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFont, QLinearGradient, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.theme import Theme
from desktop.widgets.parts import Animation

FLOOR_DB = -60.0
CLIP_DB = -0.1
"""At and above this the clip light goes on; the limiter's ceiling is just below 0 dB."""
FALL_DB = 1.2
"""How far a bar falls in a frame."""
HOLD_SECONDS = 1.5


class _Levels(QWidget):
    """Levels [dBFS] that rise at once and fall by `fall_db` in a frame."""

    fall_db = FALL_DB

    def __init__(self, animation: Animation, name: str) -> None:
        super().__init__()
        self._animation = animation
        self.shown: list[float] = []
        self.setAccessibleName(name)
        animation.add(self._advance)

    def _rise(self, levels: Sequence[float]) -> None:
        self.shown = [max(old, min(0.0, new)) for old, new in zip(self.shown, levels, strict=True)]
        if max(levels, default=FLOOR_DB) > FLOOR_DB:
            self._animation.wake()

    def _advance(self) -> bool:
        if max(self.shown, default=FLOOR_DB) <= FLOOR_DB:
            return False
        self.shown = [max(FLOOR_DB, db - self.fall_db) for db in self.shown]
        self.update()
        return max(self.shown) > FLOOR_DB


class MasterMeter(_Levels):
    """Peak of left and right, held for a while; the clip light stays on until it is clicked."""

    def __init__(self, animation: Animation) -> None:
        super().__init__(animation, "Master level")
        self.shown = [FLOOR_DB, FLOOR_DB]
        self._held = [(0.0, FLOOR_DB), (0.0, FLOOR_DB)]
        self.clipped = False
        self.setToolTip("Output level in dBFS; click to clear the clip light")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Two narrow bars and a scale."""
        return QSize(58, 200)

    def take(self, left: float, right: float) -> None:
        """New peaks [dBFS]."""
        now = time.monotonic()
        for side, db in enumerate((left, right)):
            if db >= self._held[side][1] or now - self._held[side][0] > HOLD_SECONDS:
                self._held[side] = (now, max(db, FLOOR_DB))
        self.clipped = self.clipped or max(left, right) >= CLIP_DB
        self._rise((left, right))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Clear the clip light."""
        self.clipped = False
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Clip light on top, two bars, the scale."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(Theme.colour("bad" if self.clipped else "raised"))
        painter.drawRoundedRect(QRectF(0, 0, 30, 8), 4, 4)
        top, bottom = 16.0, float(self.height())
        shade = QLinearGradient(0, bottom, 0, top)
        shade.setColorAt(0, Theme.colour("accent", 0.6))
        shade.setColorAt(0.8, Theme.colour("accent"))
        shade.setColorAt(1, Theme.colour("bad"))
        for side in range(2):
            x = 17.0 * side
            painter.setBrush(Theme.colour("raised"))
            painter.drawRoundedRect(QRectF(x, top, 13, bottom - top), 4, 4)
            y = self._y(self.shown[side], top, bottom)
            painter.setBrush(shade)
            painter.drawRoundedRect(
                QRectF(x, y, 13, bottom - y), min(4.0, (bottom - y) / 2), min(4.0, (bottom - y) / 2)
            )
            if self._held[side][1] > FLOOR_DB and time.monotonic() - self._held[side][0] < HOLD_SECONDS:
                painter.setBrush(Theme.colour("text"))
                painter.drawRect(QRectF(x, self._y(self._held[side][1], top, bottom), 13, 1.5))
        font = QFont(self.font())
        font.setPixelSize(10)
        painter.setFont(font)
        painter.setPen(Theme.colour("soft"))
        for db in (0, -6, -12, -24, -48):
            y = self._y(db, top, bottom)
            painter.drawText(QRectF(34, y - 7, 24, 14), Qt.AlignmentFlag.AlignVCenter, str(db))

    @staticmethod
    def _y(db: float, top: float, bottom: float) -> float:
        share = (min(0.0, max(FLOOR_DB, db)) - FLOOR_DB) / -FLOOR_DB
        return bottom - share**1.5 * (bottom - top)


class Spectrum(_Levels):
    """The bands that the server sends [dBFS], low to high."""

    fall_db = 2 * FALL_DB

    def __init__(self, animation: Animation) -> None:
        super().__init__(animation, "Spectrum of the output")
        self.setMinimumSize(160, 110)

    def take(self, bands: tuple[float, ...]) -> None:
        """New levels of the bands."""
        if len(bands) != len(self.shown):
            self.shown = [FLOOR_DB] * len(bands)
        self._rise(bands)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """A bar for each band."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        count = len(self.shown) or 32
        step = self.width() / count
        for index in range(count):
            db = self.shown[index] if self.shown else FLOOR_DB
            height = max(3.0, (db - FLOOR_DB) / -FLOOR_DB * self.height())
            painter.setBrush(Theme.colour("accent" if db > FLOOR_DB else "raised"))
            painter.drawRoundedRect(QRectF(index * step + 1, self.height() - height, step - 2, height), 1.5, 1.5)
