"""The drummer, the feel, and live or window mode."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QSlider, QVBoxLayout, QWidget

from desktop.kit_list import drummer_name
from desktop.session import Session, path
from desktop.widgets.parts import caption, card, column, fill, label, row
from ghostnote.files.preset import FEEL_ASPECTS, MODES

STEPS = 100
ABOUT = {
    "timing": "How loosely hits are timed",
    "velocity": "How unevenly hits are struck",
    "swing": "From straight to triplets",
}


class PlayerPanel(QWidget):
    """Drummer, feel, mode."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.drummer = QComboBox()
        self.drummer.setAccessibleName("Drummer")
        self.drummer.setMinimumContentsLength(11)
        self.drummer.activated.connect(lambda index: session.change(path("drummer"), int(index)))
        self.mode = QComboBox()
        self.mode.setAccessibleName("Mode")
        self.mode.setToolTip("Live: every hit after one constant latency. Window: four beats at a time, a window later")
        fill(self.mode, [(name.capitalize(), name) for name in MODES], "live")
        self.mode.activated.connect(lambda _: session.change(path("mode"), str(self.mode.currentData())))
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(6)
        self.feel: dict[str, QSlider] = {}
        for place, aspect in enumerate(FEEL_ASPECTS):
            slider = self.feel[aspect] = QSlider(Qt.Orientation.Horizontal)
            slider.setRange(0, STEPS)
            slider.setMinimumWidth(56)
            slider.setAccessibleName(f"Feel: {aspect}")
            slider.setToolTip(ABOUT[aspect])
            slider.valueChanged.connect(lambda value, a=aspect: session.change(path(f"feel/{a}"), value / STEPS))
            grid.addWidget(label(aspect.capitalize(), "small"), 0, place)
            grid.addWidget(slider, 1, place)
        layout = QVBoxLayout()
        heading = row(caption("Player"), 1, label("Mode", "small"))
        layout.addLayout(column(heading, row(self.drummer, grid, self.mode, spacing=16), spacing=10))
        self.setLayout(column(card(layout, 14)))
        for topic in ("drummer", "drummers", "feel", "mode"):
            session.listen(topic, lambda *_: self.refresh())

    def refresh(self) -> None:
        """Show the current values."""
        session = self._session
        names = [(drummer_name(name, index), index) for index, name in enumerate(session.drummers)]
        fill(self.drummer, names, int(session.number("drummer")))
        fill(self.mode, [(name.capitalize(), name) for name in MODES], session.values.get(path("mode"), ("live",))[0])
        for aspect, slider in self.feel.items():
            if not slider.isSliderDown():
                slider.blockSignals(True)
                slider.setValue(round(STEPS * session.number(f"feel/{aspect}")))
                slider.blockSignals(False)
