"""What is being played, scrolling by: one line for each piece, a mark for each hit."""

import time
from collections import deque

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.pieces import TITLES
from desktop.theme import Theme
from desktop.widgets.parts import Animation
from ghostnote.music.articulations import ARTICULATIONS, LANE_OF_NAME, PIECES

SECONDS = 8.0
"""How much of the past is shown."""
NAME_WIDTH = 76


class LaneView(QWidget):
    """The hits of the last seconds; it moves only while there is one to show."""

    def __init__(self, animation: Animation) -> None:
        super().__init__()
        self._animation = animation
        self.hits: deque[tuple[float, int, float]] = deque(maxlen=2000)
        """Time of `time.monotonic()`, index of the piece, velocity."""
        self.setAccessibleName("Hits of the last seconds")
        self.setMinimumHeight(110)
        animation.add(self._advance)

    def sizeHint(self) -> QSize:  # noqa: N802
        """As large as there is room."""
        return QSize(480, 170)

    def add(self, articulation: str, velocity: float) -> None:
        """A hit that sounds now."""
        lane = LANE_OF_NAME.get(articulation)
        if lane is not None:
            self.hits.append((time.monotonic(), PIECES.index(ARTICULATIONS[lane].piece), velocity))
            self._animation.wake()

    def _advance(self) -> bool:
        if not self.hits:
            return False
        while self.hits and self.hits[0][0] < time.monotonic() - SECONDS:
            self.hits.popleft()
        if self.isVisible():
            self.update()
        return bool(self.hits)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Lines with names, and the hits on them; now is on the right."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = QFont(self.font())
        font.setPixelSize(10)
        painter.setFont(font)
        step = self.height() / len(PIECES)
        width = self.width() - NAME_WIDTH
        for index, piece in enumerate(PIECES):
            y = step * (index + 0.5)
            painter.setPen(Theme.colour("soft"))
            name = QRectF(0, y - step / 2, NAME_WIDTH - 8, step)
            painter.drawText(name, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, TITLES[piece])
            painter.setPen(Theme.colour("line"))
            painter.drawLine(NAME_WIDTH, round(y), self.width(), round(y))
        painter.setPen(Qt.PenStyle.NoPen)
        now = time.monotonic()
        for at, index, velocity in self.hits:
            x = NAME_WIDTH + width * (1 - (now - at) / SECONDS)
            if x < NAME_WIDTH:
                continue
            size = min(step - 3, 4 + 9 * velocity)
            painter.setBrush(Theme.colour("accent", 0.35 + 0.65 * velocity))
            painter.drawRoundedRect(QRectF(x - 5, step * (index + 0.5) - size / 2, 5, size), 2, 2)
