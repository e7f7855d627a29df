"""Level, mute and solo of the nine pieces. The server only knows levels: mute and solo are implemented with them."""

from collections.abc import Callable
from typing import Final

from desktop.session import Session, path
from ghostnote.files.preset import LEVEL_DB
from ghostnote.music.articulations import PIECES
from ghostnote.osc.schema import Values

OFF: Final = LEVEL_DB[0]


class Mixer:
    """Faders, mutes and solos; a piece that is muted, or not among those soloed, is sent the level "off"."""

    def __init__(self, session: Session, changed: Callable[[], None] = lambda: None) -> None:
        """`changed` is called after every change, whoever made it."""
        self._session, self._changed = session, changed
        self.faders: dict[str, float] = dict.fromkeys(PIECES, 0.0)
        """Level of each piece [dB] when it is not silenced."""
        self.muted: set[str] = set()
        self.soloed: set[str] = set()
        session.listen("level", self._on_change)

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call `changed` after every change."""
        self._changed = changed

    def silent(self, piece: str) -> bool:
        """Whether a piece is silenced by mute or solo."""
        return piece in self.muted or bool(self.soloed and piece not in self.soloed)

    def set_fader(self, piece: str, db: float) -> None:
        """Move a fader [dB]."""
        self.faders[piece] = db
        self._send()

    def set_mute(self, piece: str, on: bool) -> None:
        """Mute or unmute a piece."""
        (self.muted.add if on else self.muted.discard)(piece)
        self._send()

    def set_solo(self, piece: str, on: bool) -> None:
        """Solo a piece, or end its solo."""
        (self.soloed.add if on else self.soloed.discard)(piece)
        self._send()

    def _send(self) -> None:
        for piece in PIECES:
            db = OFF if self.silent(piece) else self.faders[piece]
            if db != self._session.number(f"level/{piece}"):
                self._session.change(path(f"level/{piece}"), db)
        self._changed()

    def _on_change(self, address: str, values: Values) -> None:
        """A level from the server: a change made elsewhere cancels our mute or solo of that piece."""
        piece, db = address.rpartition("/")[2], float(values[0])
        if self.silent(piece):
            if db == OFF:
                return
            self.muted.discard(piece)
            if self.soloed:
                self.soloed.add(piece)
        if self.faders[piece] != db:
            self.faders[piece] = db
        self._changed()
