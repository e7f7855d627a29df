"""Small building blocks of the pages, for a consistent look."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

T = TypeVar("T", bound=QBoxLayout)
FRAME_MS: Final = 33
"""Time between two frames of animations."""


def label(text: str, role: str = "", *, wrap: bool = False) -> QLabel:
    """A text; `role` is one of the style sheet's."""
    made = QLabel(text)
    made.setProperty("role", role)
    made.setWordWrap(wrap)
    return made


def remark(text: str = "") -> QLabel:
    """A small text on the right of its row that never requests more room than there is."""
    made = label(text, "small")
    made.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return made


def caption(text: str) -> QLabel:
    """The small heading of a group of controls."""
    return label(text.upper(), "caption")


def button(text: str, role: str, about: str, clicked: Callable[[], object] | None = None) -> QPushButton:
    """A button; `about` is its accessible name and tool tip."""
    made = QPushButton(text)
    made.setProperty("role", role)
    made.setAccessibleName(about)
    made.setToolTip(about)
    if clicked is not None:
        made.clicked.connect(lambda: clicked())
    return made


def card(layout: QLayout, margins: int = 16) -> QFrame:
    """A raised surface around `layout`."""
    frame = QFrame()
    frame.setProperty("role", "card")
    layout.setContentsMargins(margins, margins, margins, margins)
    frame.setLayout(layout)
    return frame


def row(*items: QWidget | QLayout | int, spacing: int = 8) -> QHBoxLayout:
    """Items side by side; a number is a stretch of that weight."""
    return _filled(QHBoxLayout(), items, spacing)


def column(*items: QWidget | QLayout | int, spacing: int = 8) -> QVBoxLayout:
    """Items one below the other; a number is a stretch of that weight."""
    return _filled(QVBoxLayout(), items, spacing)


def _filled(layout: T, items: Sequence[QWidget | QLayout | int], spacing: int) -> T:
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for item in items:
        if isinstance(item, int):
            layout.addStretch(item)
        elif isinstance(item, QWidget):
            layout.addWidget(item)
        else:
            layout.addLayout(item)
    return layout


def scrolling(page: QWidget) -> QScrollArea:
    """`page` as large as there is room and as it needs; where it needs more, it scrolls."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(page)
    return area


def set_tone(widget: QWidget, tone: str) -> None:
    """Give a widget the style sheet's colour for "good", "warn", "bad" or "" (none)."""
    set_style(widget, "tone", tone)


def set_style(widget: QWidget, name: str, value: object) -> None:
    """Change a property that the style sheet asks for."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def fill(box: QComboBox, entries: Sequence[tuple[str, object]], chosen: object) -> None:
    """Give a combo box these (text, value) entries and show the one of value `chosen`, without a signal."""
    box.blockSignals(True)
    if [(box.itemText(i), box.itemData(i)) for i in range(box.count())] != list(entries):
        box.clear()
        for text, value in entries:
            box.addItem(text, value)
    box.setCurrentIndex(box.findData(chosen))
    box.blockSignals(False)


class Animation(QObject):
    """Animates widgets at about 30 frames a second, and costs nothing while all of them are at rest."""

    frame = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._moving: list[Callable[[], bool]] = []
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self._step)

    def add(self, advance: Callable[[], bool]) -> None:
        """`advance` moves a widget by one frame and returns whether it is still moving."""
        self._moving.append(advance)

    def wake(self) -> None:
        """Start the animation."""
        if not self._timer.isActive():
            self._timer.start()

    @property
    def awake(self) -> bool:
        """Whether the animation is running."""
        return self._timer.isActive()

    def _step(self) -> None:
        moving = [advance() for advance in self._moving]  # all of them, not just up to the first that is moving
        if not any(moving):
            self._timer.stop()
