"""Colours and the style sheet: one accent, one dark and one light palette."""

from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

ASSETS: Final = Path(__file__).resolve().parent / "assets"
FONTS: Final = ("Inter", "SF Pro Text", "Segoe UI Variable", "Segoe UI", "Cantarell", "Noto Sans", "DejaVu Sans")


@dataclass(frozen=True)
class Colours:
    """The colours of one appearance, as #RRGGBB."""

    ground: str
    """Behind everything."""
    surface: str
    """Cards."""
    raised: str
    """Controls on cards."""
    hover: str
    line: str
    text: str
    soft: str
    """Secondary text; 4.5:1 on `surface`."""
    accent: str
    accent_text: str
    """Text on the accent."""
    accent_soft: str
    """Tint of the accent on `surface`."""
    good: str
    warn: str
    bad: str


DARK: Final = Colours(
    ground="#121419", surface="#1a1d24", raised="#262a34", hover="#303542", line="#2b303b", text="#eef1f6",
    soft="#9ea7b8", accent="#ff8a4c", accent_text="#1b0f07", accent_soft="#3a281f", good="#4fd18b", warn="#f5c451",
    bad="#ff6b6b",
)  # fmt: skip
LIGHT: Final = Colours(
    ground="#f2f3f6", surface="#ffffff", raised="#eceef3", hover="#e0e4ec", line="#dde1e9", text="#1a1d24",
    soft="#5b6475", accent="#c2480b", accent_text="#ffffff", accent_soft="#fdebe1", good="#15803d", warn="#a16207",
    bad="#c92a2a",
)  # fmt: skip


class Theme:
    """The current theme; widgets that paint themselves read `colours` at every paint."""

    colours: Colours = DARK

    @classmethod
    def colour(cls, name: str, alpha: float = 1.0) -> QColor:
        """A colour of the palette; `alpha` 0 clear .. 1 solid."""
        colour = QColor(getattr(cls.colours, name))
        colour.setAlphaF(alpha)
        return colour


def apply_theme(app: QApplication, wanted: str) -> None:
    """Dress the application: "dark", "light", or "system" for what the desktop prefers."""
    dark = wanted == "dark" or (
        wanted == "system" and QGuiApplication.styleHints().colorScheme() != Qt.ColorScheme.Light
    )
    Theme.colours = DARK if dark else LIGHT
    app.setStyle("Fusion")
    app.setPalette(_palette(Theme.colours))
    app.setFont(_font())
    sheet = Template((ASSETS / "style.qss").read_text("utf-8"))
    app.setStyleSheet(
        sheet.substitute(asdict(Theme.colours), assets=ASSETS.as_posix(), mode="dark" if dark else "light")
    )
    for widget in app.allWidgets():
        widget.update()


def _font() -> QFont:
    families = set(QFontDatabase.families())
    font = QFont(next((name for name in FONTS if name in families), QFont().family()))
    font.setPixelSize(13)
    return font


def _palette(colours: Colours) -> QPalette:
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: colours.ground,
        QPalette.ColorRole.Base: colours.raised,
        QPalette.ColorRole.AlternateBase: colours.surface,
        QPalette.ColorRole.Button: colours.raised,
        QPalette.ColorRole.WindowText: colours.text,
        QPalette.ColorRole.Text: colours.text,
        QPalette.ColorRole.ButtonText: colours.text,
        QPalette.ColorRole.PlaceholderText: colours.soft,
        QPalette.ColorRole.Highlight: colours.accent,
        QPalette.ColorRole.HighlightedText: colours.accent_text,
        QPalette.ColorRole.ToolTipBase: colours.raised,
        QPalette.ColorRole.ToolTipText: colours.text,
        QPalette.ColorRole.Link: colours.accent,
    }
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    return palette
