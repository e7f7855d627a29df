"""Time: transport, recording, tempo, what it is synchronised to, and a groove to play along."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QVBoxLayout, QWidget

from desktop.control import AppController
from desktop.grooves import groove_names, load_groove
from desktop.session import path
from desktop.widgets.parts import button, caption, card, column, fill, remark, row
from ghostnote.files.preset import TEMPO_BPM, Preset

NO_GROOVE = "No groove, transport only"
RECORD = "Record what is played, as sound and MIDI"


class TransportPanel(QWidget):
    """Play, record, tempo, groove."""

    def __init__(self, control: AppController) -> None:
        super().__init__()
        self._control, self._session = control, control.session
        self.play = button("▶", "play", "Play or stop", self._toggle)
        self.play.setCheckable(True)
        self.record = button("●", "play", RECORD, lambda: self._session.record(self.record.isChecked()))
        self.record.setCheckable(True)
        self.record.setVisible(self._session.offers(path("record")))
        self.tempo = QDoubleSpinBox()
        self.tempo.setRange(*TEMPO_BPM)
        self.tempo.setDecimals(1)
        self.tempo.setSuffix(" bpm")
        self.tempo.setAccessibleName("Tempo")
        self.tempo.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.tempo.setKeyboardTracking(False)
        self.tempo.setFixedWidth(104)
        self.tempo.valueChanged.connect(lambda bpm: self._session.change(path("tempo"), bpm))
        self.groove = QComboBox()
        self.groove.setAccessibleName("Groove to play")
        self.groove.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.groove.setMinimumContentsLength(9)
        fill(self.groove, [*groove_names(), (NO_GROOVE, "")], "pocket_funk")
        self.groove.activated.connect(lambda _: self._picked())
        self.sync = remark()
        layout = QVBoxLayout()
        layout.addLayout(
            column(
                row(caption("Time"), self.sync),
                row(self.play, self.record, self.tempo, self.groove, spacing=10),
                spacing=10,
            )
        )
        self.setLayout(column(card(layout, 14)))
        self._session.listen("record", lambda *_: self._show_recording())
        for topic in ("tempo", "transport", "status", "beat", "connection"):
            self._session.listen(topic, lambda *_: self.refresh())
        self._session.listen("beat", lambda _, values: self._at(float(values[0])))
        self._beat = 0.0
        self.refresh()

    def _toggle(self) -> None:
        if self.play.isChecked():
            name = str(self.groove.currentData() or "")
            if name and self._session.number("tempo") == Preset().tempo:  # nobody has chosen one yet
                self._session.change(path("tempo"), round(load_groove(name).bpm, 1))
            self._control.play(name)
        else:
            self._control.halt()

    def _picked(self) -> None:
        name = str(self.groove.currentData() or "")
        playing = self._control.player.playing
        if playing:
            self._control.halt()
        if name:
            self._session.change(path("tempo"), round(load_groove(name).bpm, 1))
        if playing:
            self._control.play(name)

    def _at(self, beat: float) -> None:
        self._beat = beat
        self.refresh()

    def _show_recording(self) -> None:
        recording, sound = self._session.recording
        self.record.setChecked(recording)
        state = f"Recording {Path(sound).name}; click to end" if recording else f"{RECORD}; the last is {sound}"
        self.record.setToolTip(state if sound else RECORD)

    def refresh(self) -> None:
        """Show the current values."""
        session = self._session
        self.tempo.blockSignals(True)
        if not self.tempo.hasFocus() or not self.tempo.lineEdit().isModified():
            self.tempo.setValue(session.number("tempo", 120.0))
        self.tempo.blockSignals(False)
        playing = session.playing or self._control.player.playing
        self.play.setChecked(playing)
        self.play.setText("■" if playing else "▶")
        source = str(session.figures.get("sync", "own tempo, or MIDI clock"))
        self.sync.setText(f"bar {int(self._beat // 4) + 1} · {source}" if session.playing else source)
