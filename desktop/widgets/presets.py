"""Presets in the window's header: load one, save the current settings."""

from PySide6.QtWidgets import QComboBox, QInputDialog, QMessageBox, QWidget

from desktop.session import Session
from desktop.widgets.parts import button, fill, row
from ghostnote.files.preset import list_presets
from ghostnote.osc.schema import Values


class PresetBox(QWidget):
    """The saved presets and a button that saves another."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.box = QComboBox()
        self.box.setAccessibleName("Preset")
        self.box.setPlaceholderText("Presets")
        self.box.setMinimumWidth(150)
        self.box.activated.connect(lambda _: session.load_preset(str(self.box.currentData())))
        self.save = button("Save", "", "Save the settings as a preset (Ctrl+S)", self.ask)
        self.setLayout(row(self.box, self.save))
        session.listen("preset", lambda *_: self.refresh())
        session.listen("saved", self._saved)
        self.refresh()

    def refresh(self) -> None:
        """Show the saved presets, and the one loaded last."""
        names = list_presets().names
        loaded = self._session.values.get("/ghostnote/preset", ("",))[0]
        fill(self.box, [(name, name) for name in names], loaded or None)
        self.box.setEnabled(bool(names))
        self.box.setToolTip("Load a preset" if names else "No presets yet: Save makes one")

    def ask(self) -> None:
        """Ask for a name and save."""
        name, given = QInputDialog.getText(self, "Save preset", "Name of the preset:", text=self.box.currentText())
        name = name.strip()
        if not given or not name:
            return
        exists = name in list_presets().names
        if exists and QMessageBox.question(self, "Save preset", f"Replace the preset “{name}”?") != (
            QMessageBox.StandardButton.Yes
        ):
            return
        self._session.save_preset(name, overwrite=exists)

    def _saved(self, _address: str, _values: Values) -> None:
        self.refresh()
