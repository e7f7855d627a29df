"""Grooves that the server generates from a prompt or from live playing, and their state."""

from PySide6.QtWidgets import QLineEdit, QWidget

from desktop.grooves import groove_text
from desktop.session import Session
from desktop.widgets.parts import button, caption, card, column, remark, row, set_tone

PLAY_ON = "Listen to what you play, and play on in that manner after two to four bars"


class GroovePanel(QWidget):
    """A line for the prompt, and what is playing."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.prompt = QLineEdit()
        self.prompt.setPlaceholderText("Ask for a groove, such as “brushed jazz 140 bpm, sparse”")
        self.prompt.setAccessibleName("Ask for a groove")
        self.prompt.returnPressed.connect(self._ask)
        self.ask = button("Play it", "primary", "Play the groove of this prompt", self._ask)
        self.play_on = button("Play on", "", PLAY_ON, lambda: session.groove("continue"))
        self.stop = button("Stop", "", "End the groove", lambda: session.groove("stop"))
        self.state = remark()
        line = row(self.prompt, self.ask, self.play_on, self.stop, spacing=10)
        self.setLayout(column(card(column(row(caption("Groove"), self.state), line, spacing=8), 14)))
        session.listen("groove", lambda *_: self.refresh())
        session.listen("connection", lambda *_: self.refresh())
        self.refresh()

    def _ask(self) -> None:
        if words := self.prompt.text().strip():
            self._session.ask_groove(words)

    def refresh(self) -> None:
        """Show the state of the grooves."""
        state, prompt, bar = self._session.groove_state
        self.stop.setEnabled(state != "stopped")
        self.state.setText(groove_text(state, prompt, bar))
        self.state.setToolTip(self.state.text())
        set_tone(self.state, "good" if state == "playing" else "")
