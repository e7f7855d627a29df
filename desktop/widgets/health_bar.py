"""The status line of the window: is there sound, on which device, with which latency and health."""

from PySide6.QtWidgets import QFrame, QLabel

from desktop.health import Health, latency_text, output_text
from desktop.session import Session
from desktop.widgets.parts import label, row, set_tone


class HealthBar(QFrame):
    """Shows the figures of the server."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setProperty("role", "foot")
        self.setAccessibleName("State of the sound engine")
        self.setFixedHeight(36)
        self._session, self._health = session, Health()
        self.light = label("●")
        self.state = label("Starting", "small")
        self.output, self.latency = label("", "small"), label("", "small")
        self.readings: list[tuple[QLabel, QLabel]] = []
        self._right = row(spacing=16)
        line = row(self.light, self.state, self.output, self.latency, 1, self._right, spacing=16)
        line.setContentsMargins(20, 0, 20, 0)
        self.setLayout(line)
        self.output.setToolTip("The device on which the sound is played")
        self.latency.setToolTip("From a hit's arrival to its sound; Setup says where to type it in")
        session.listen("status", lambda *_: self.refresh())
        session.listen("latency", lambda *_: self.refresh())
        self.show_state("warn", "Starting")

    def show_state(self, tone: str, text: str) -> None:
        """The server's state: "good", "warn" or "bad", and a few words."""
        set_tone(self.light, tone)
        self.state.setText(text)
        if tone != "good":
            self._health.forget()

    def refresh(self) -> None:
        """Show the current figures."""
        figures = self._session.figures
        self.output.setText(output_text(figures))
        self.latency.setText(latency_text(*self._session.latency))
        for index, reading in enumerate(self._health.readings(figures)):
            if index == len(self.readings):
                pair = (label("", "small"), label("", "small"))
                self.readings.append(pair)
                self._right.addLayout(row(*pair, spacing=5))
            name, value = self.readings[index]
            name.setText(reading.name)
            value.setText(reading.text)
            set_tone(value, "" if reading.tone == "good" else reading.tone)
            value.setToolTip(reading.about)
            name.setToolTip(reading.about)
            value.setAccessibleName(f"{reading.name}: {reading.text}")
