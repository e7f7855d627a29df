"""The page for playing: kits, time, player, pads and mixer, what is played and how it sounds."""

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from desktop.control import AppController
from desktop.session import path
from desktop.widgets.groove_panel import GroovePanel
from desktop.widgets.kit_browser import KitBrowser
from desktop.widgets.lanes import LaneView
from desktop.widgets.meters import MasterMeter, Spectrum
from desktop.widgets.parts import Animation, caption, card, column, row
from desktop.widgets.player_panel import PlayerPanel
from desktop.widgets.strip import Strip
from desktop.widgets.transport import TransportPanel
from ghostnote.music.articulations import LANE_OF_NAME, PIECE_OF_LANE, PIECES
from ghostnote.osc.schema import Values
from ghostnote.osc.table import PLAYED

METER, SPECTRUM, PROMPT = path("meter"), path("spectrum"), path("groove/prompt")
KITS_WIDTH = 272


class PlayPage(QWidget):
    """The first page."""

    def __init__(self, control: AppController) -> None:
        super().__init__()
        session, self._session = control.session, control.session
        self.setObjectName("page")
        self.animation = Animation(self)
        self.kits = KitBrowser(session, control.audition)
        self.kits.setFixedWidth(KITS_WIDTH)
        self.transport, self.player = TransportPanel(control), PlayerPanel(session)
        self.strips = {
            piece: Strip(piece, str(n), session, control.mixer, self.animation) for n, piece in enumerate(PIECES, 1)
        }
        self.lanes = LaneView(self.animation)
        self.meter, self.spectrum = MasterMeter(self.animation), Spectrum(self.animation)
        self.grooves = GroovePanel(session)
        self.grooves.setVisible(session.offers(PROMPT))
        control.mixer.on_change(self._show_levels)
        main = column(row(self.transport, self.player, spacing=12), spacing=12)
        main.itemAt(0).layout().setStretch(0, 4)  # type: ignore[union-attr]
        main.itemAt(0).layout().setStretch(1, 5)  # type: ignore[union-attr]
        main.addWidget(self.grooves)
        main.addWidget(self._mixer_card(), 5)
        main.addLayout(self._view_cards(), 3)
        page = row(self.kits, spacing=12)
        page.addLayout(main, 1)
        page.setContentsMargins(16, 16, 16, 16)
        self.setLayout(page)
        self._listen()

    def _mixer_card(self) -> QWidget:
        strips = QHBoxLayout()
        strips.setSpacing(10)
        for strip in self.strips.values():
            strips.addWidget(strip, 1)
        strips.addWidget(self.meter)
        self.meter.setVisible(self._session.offers(METER))
        return card(strips, 14)

    def _view_cards(self) -> QHBoxLayout:
        lanes, bands = column(caption("Played"), self.lanes), column(caption("Spectrum"), self.spectrum)
        for box in (lanes, bands):
            box.setStretch(1, 1)
        views = row(spacing=12)
        views.addWidget(card(lanes, 14), 3)
        frame = card(bands, 14)
        frame.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        frame.setVisible(self._session.offers(SPECTRUM))
        views.addWidget(frame, 1)
        return views

    def _listen(self) -> None:
        session = self._session
        session.listen("played", self._played)
        session.listen("meter", lambda _, v: self.meter.take(float(v[0]), float(v[-1])))
        session.listen("spectrum", lambda _, v: self.spectrum.take(tuple(float(x) for x in v)))
        session.listen("pan", lambda address, _: self.strips[address.rpartition("/")[2]].show_pan())
        for number, strip in enumerate(self.strips.values(), 1):
            QShortcut(QKeySequence(str(number)), self, strip.pad.strike)

    def _show_levels(self) -> None:
        for strip in self.strips.values():
            strip.show_level()

    def _played(self, address: str, values: Values) -> None:
        articulation, velocity = str(values[0]), float(values[1])
        lane = LANE_OF_NAME.get(articulation)
        if address == PLAYED and lane is not None:
            self.strips[PIECES[PIECE_OF_LANE[lane]]].pad.flash(velocity)
            self.lanes.add(articulation, velocity)
