"""The latency: its value, its parts, and what to type into each host."""

from collections.abc import Mapping

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget

from desktop.session import Session
from desktop.theme import Theme
from desktop.widgets.parts import button, caption, card, column, label, row
from ghostnote.hosts import HOSTS, seen_by_host
from ghostnote.osc.schema import Value

PARTS = ("hop", "lead", "limiter", "resampler", "device")
ABOUT = {
    "hop": "waiting until a hop of hits is complete",
    "lead": "time to render it",
    "limiter": "by which the limiter looks ahead",
    "resampler": "held back by the sample rate converter",
    "device": "from the program to the loudspeaker",
}


class PartsBar(QWidget):
    """The parts of the latency, side by side in proportion."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: dict[str, float] = {}
        """Milliseconds by name."""
        self.setFixedHeight(10)
        self.setAccessibleName("Parts of the latency")

    def sizeHint(self) -> QSize:  # noqa: N802
        """As wide as there is room."""
        return QSize(240, 10)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """One block for each part, fainter and fainter."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        total, x = sum(self.parts.values()), 0.0
        for index, part in enumerate(self.parts.values()):
            width = part / total * self.width() if total else 0.0
            painter.setBrush(Theme.colour("accent", 1 - 0.17 * index))
            painter.drawRoundedRect(QRectF(x, 0, max(2.0, width - 2), self.height()), 3, 3)
            x += width


class LatencyView(QWidget):
    """The sum, its parts, and a line for each host with its value to copy."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("latency")
        self._session = session
        self.total = label("...", "figure")
        self.exact = label("", "soft")
        self.bar, self.legend = PartsBar(), label("", "small", wrap=True)
        self.values: dict[str, QLabel] = {}
        self.copies: dict[str, QPushButton] = {}
        self.note = label("", "small", wrap=True)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(16)
        grid.setColumnStretch(0, 1)
        for line, host in enumerate(HOSTS):
            value = self.values[host.name] = label("...", "title")
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            copy = self.copies[host.name] = button(
                "Copy", "", f"Copy the value for {host.name}", lambda name=host.name: self._copy(name)
            )
            about = label(f"{host.midi} · {host.field}", "small", wrap=True)
            what = column(label(host.name, "title"), about, spacing=2)
            grid.addLayout(what, line, 0)
            grid.addWidget(value, line, 1)
            grid.addWidget(copy, line, 2)
        head = row(self.total, self.exact, 1, spacing=10)
        upper = column(caption("Latency, always the same"), head, self.bar, self.legend, spacing=12)
        lower = column(caption("Type into your DAW"), grid, self.note, 1, spacing=16)
        page = column(card(upper), spacing=12)
        page.addWidget(card(lower), 1)
        self.setLayout(page)
        session.listen("latency", lambda *_: self.refresh())
        session.listen("status", lambda *_: self.refresh())

    def refresh(self) -> None:
        """Show the current latency."""
        figures, (frames, rate) = self._session.figures, self._session.latency
        if not frames or not rate:
            return
        self.total.setText(f"{1000 * frames / rate:.1f} ms")
        self.exact.setText(f"{frames} samples at {rate / 1000:g} kHz")
        parts = {name: _milliseconds(figures, name) for name in PARTS}
        self.bar.parts = {name: part for name, part in parts.items() if part}
        self.bar.update()
        self.bar.setToolTip("\n".join(f"{name}: {ABOUT[name]}" for name in self.bar.parts))
        self.legend.setText("   ".join(f"{name} {part:.1f} ms" for name, part in self.bar.parts.items()))
        output = str(figures.get("output", ""))
        seen = seen_by_host(_milliseconds(figures, "engine") * rate / 1000 or frames, frames, output)
        for host in HOSTS:
            self.values[host.name].setText(host.text(seen, rate))
        self.note.setText(
            "On JACK your DAW takes the sound before the device, so the device's part is left out here."
            if seen != frames
            else ""
        )

    def _copy(self, name: str) -> None:
        QGuiApplication.clipboard().setText(self.values[name].text().partition(" ")[0])


def _milliseconds(figures: Mapping[str, Value], part: str) -> float:
    value = figures.get(f"{part}_latency_ms", 0.0)
    return 0.0 if isinstance(value, str) else float(value)
