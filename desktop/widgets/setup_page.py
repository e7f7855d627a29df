"""Audio device, MIDI, appearance; and the latency with what to type into each DAW."""

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QLayout, QVBoxLayout, QWidget

from desktop.control import AppController
from desktop.device_list import DeviceList
from desktop.settings import BLOCKS, RATES, THEMES, AppSettings
from desktop.widgets.latency_view import LatencyView
from desktop.widgets.parts import button, caption, card, column, fill, label, row, set_tone
from ghostnote.files.midi_map import map_names

DEFAULT_OUTPUT = ("System default", "")
VIRTUAL_PORT = ("“Ghostnote In”, for your DAW", "")


class SetupPage(QWidget):
    """The settings page. What needs a restart of the sound engine waits for "Apply"."""

    def __init__(self, control: AppController, learn: Callable[[], None], restyle: Callable[[str], None]) -> None:
        """`learn` opens the dialogue that learns a map; `restyle` changes the theme."""
        super().__init__()
        self.setObjectName("page")
        self._control, self._restyle = control, restyle
        self.devices = DeviceList(self)
        self.devices.found.connect(self._found)
        self.device, self.rate, self.block = _box("Audio device"), _box("Sample rate"), _box("Block size")
        self.midi, self.map, self.theme = _box("MIDI input"), _box("MIDI map"), _box("Appearance")
        self.apply = button("Apply", "primary", "Start the sound engine with these settings", self._apply)
        self.state = label("", "small", wrap=True)
        self.open_port = label("", "small", wrap=True)
        learn_button = button("Learn...", "", "Make a map by hitting your pads", learn)
        again = button("Refresh", "", "Refresh the list of devices", self.devices.refresh)
        maps = row(self.map, learn_button)
        maps.setStretch(0, 1)
        audio = column(
            caption("Audio"), _field("Device", self.device), row(_field("Sample rate", self.rate),
            _field("Block", self.block), spacing=12), spacing=12,
        )  # fmt: skip
        midi = column(
            caption("MIDI"), _field("Input", self.midi), self.open_port,
            _field("Map", maps), spacing=12,
        )  # fmt: skip
        appearance = column(caption("Appearance"), self.theme, spacing=12)
        doing = row(self.state, 1, again, self.apply, spacing=10)
        left = column(card(audio), card(midi), card(appearance), doing, 1, spacing=12)
        page = row(spacing=12)
        page.addLayout(left, 5)
        page.addWidget(LatencyView(control.session), 6)
        page.setContentsMargins(16, 16, 16, 16)
        self.setLayout(page)
        for box in (self.device, self.rate, self.block, self.midi, self.map):
            box.activated.connect(lambda _: self._changed())
        self.theme.activated.connect(lambda _: self._themed())
        control.session.listen("status", lambda *_: self._ports())
        self._outputs: list[str] = []
        self._sources: list[str] = []
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Refresh the devices."""
        super().showEvent(event)
        self.devices.refresh()

    def refresh(self) -> None:
        """Show the current settings."""
        settings = self._control.settings
        outputs = [name for name in dict.fromkeys([settings.device, *self._outputs]) if name]
        sources = [name for name in dict.fromkeys([settings.midi, *self._sources]) if name]
        fill(self.device, [DEFAULT_OUTPUT, *((name, name) for name in outputs)], settings.device)
        fill(self.midi, [VIRTUAL_PORT, *((name, name) for name in sources)], settings.midi)
        rates = [("As the kit" if not rate else f"{rate / 1000:g} kHz", rate) for rate in RATES]
        fill(self.rate, rates, settings.rate)
        blocks = sorted({*BLOCKS, settings.block})
        fill(self.block, [(f"{block} frames", block) for block in blocks], settings.block)
        fill(self.map, [(name, name) for name in dict.fromkeys([*map_names(), settings.midi_map])], settings.midi_map)
        fill(self.theme, [(name.capitalize(), name) for name in THEMES], settings.theme)
        self._changed()

    def chosen(self) -> AppSettings:
        """The settings as the controls show them."""
        return replace(
            self._control.settings,
            device=str(self.device.currentData()), rate=int(self.rate.currentData()),
            block=int(self.block.currentData()), midi=str(self.midi.currentData()),
            midi_map=str(self.map.currentData()),
        )  # fmt: skip

    def _changed(self) -> None:
        differs = self.chosen() != self._control.settings
        self.apply.setEnabled(differs)
        set_tone(self.state, "")
        self.state.setText("The sound stops for a moment when you apply." if differs else "")

    def _apply(self) -> None:
        self._control.use(self.chosen())
        self._changed()

    def _themed(self) -> None:
        theme = str(self.theme.currentData())
        self._control.remember(theme=theme)
        self._restyle(theme)

    def _found(self, outputs: list[str], sources: list[str], faults: list[str]) -> None:
        chosen = self.chosen()
        self._outputs, self._sources = outputs, sources
        self.refresh()
        for box, value in ((self.device, chosen.device), (self.midi, chosen.midi)):
            box.setCurrentIndex(max(0, box.findData(value)))
        for box, value in ((self.rate, chosen.rate), (self.block, chosen.block), (self.map, chosen.midi_map)):
            box.setCurrentIndex(max(0, box.findData(value)))
        self._changed()
        if faults:
            self.state.setText("; ".join(faults))
            set_tone(self.state, "warn")

    def _ports(self) -> None:
        name = str(self._control.session.figures.get("midi_in", ""))
        self.open_port.setText(f"Listening to {name}" if name else "No MIDI input is open")
        set_tone(self.open_port, "" if name else "warn")


def _box(name: str) -> QComboBox:
    made = QComboBox()
    made.setAccessibleName(name)
    made.setMinimumContentsLength(8)
    return made


def _field(name: str, part: QWidget | QLayout) -> QVBoxLayout:
    return column(label(name, "small"), part, spacing=4)
