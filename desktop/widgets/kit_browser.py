"""The kits with name, character and licence; search, choose and hear them, and morph between two."""

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QLineEdit,
    QListView,
    QSlider,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from desktop.kit_list import search
from desktop.session import Session
from desktop.theme import Theme
from desktop.widgets.parts import caption, card, column, fill, label, row
from kits.layers import KitSummary

KIT_ROLE = Qt.ItemDataRole.UserRole
ROW_HEIGHT = 62


class KitBrowser(QWidget):
    """The list on the left."""

    chosen = Signal(str)
    """The id of a kit that was clicked or confirmed."""

    def __init__(self, session: Session, audition: Callable[[], None]) -> None:
        """`audition` plays a few hits on the kit that was just chosen."""
        super().__init__()
        self._session, self._audition = session, audition
        self._kits: tuple[KitSummary, ...] = ()
        self.field = QLineEdit()
        self.field.setPlaceholderText("Search kits")
        self.field.setAccessibleName("Search kits")
        self.field.setClearButtonEnabled(True)
        self.field.textChanged.connect(lambda _: self._filter())
        self.model = QStandardItemModel(self)
        self.view = QListView()
        self.view.setModel(self.model)
        self.view.setItemDelegate(_KitPainter(session, self.view))
        self.view.setAccessibleName("Kits")
        self.view.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setMouseTracking(True)
        self.view.clicked.connect(self._choose)
        self.view.activated.connect(self._choose)
        self.count = label("", "small")
        self.morph = MorphPanel(session)
        box = column(row(caption("Kits"), 1, self.count), self.field, self.view, spacing=10)
        self.setLayout(column(card(box, 14), self.morph, spacing=12))
        session.listen("kit", lambda *_: self._show_chosen())
        session.listen("morph", lambda *_: self._show_chosen())

    def set_kits(self, kits: tuple[KitSummary, ...]) -> None:
        """The kits to choose from."""
        self._kits = kits
        self.morph.set_kits(kits)
        self._filter()

    def _filter(self) -> None:
        found = search(self._kits, self.field.text())
        self.model.clear()
        for kit in found:
            item = QStandardItem(kit.name)
            item.setData(kit, KIT_ROLE)
            item.setData(f"{kit.name}: {kit.character}. {kit.licence}", Qt.ItemDataRole.AccessibleTextRole)
            item.setToolTip(f"<b>{kit.name}</b><br>{kit.character}<br>{kit.author}<br>{kit.licence}")
            self.model.appendRow(item)
        none = "no kit found" if self._kits else ""
        self.count.setText(f"{len(found)} of {len(self._kits)}" if found else none)
        self._show_chosen()

    def _show_chosen(self) -> None:
        for index in range(self.model.rowCount()):
            if self.model.item(index).data(KIT_ROLE).id == self._session.kit:
                self.view.setCurrentIndex(self.model.index(index, 0))
        self.view.viewport().update()

    def _choose(self, index: QModelIndex) -> None:
        kit: KitSummary = index.data(KIT_ROLE)
        if kit.id != self._session.kit or self._session.morph[1] != self._session.morph[2]:
            self._session.morph_to(0.0, kit.id, kit.id)
        self._audition()
        self.chosen.emit(kit.id)


class _KitPainter(QStyledItemDelegate):
    """Paints one kit: name, character, licence; a bar in the accent colour beside the current one."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802
        """As wide as there is room."""
        return QSize(100, ROW_HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint one row."""
        kit: KitSummary = index.data(KIT_ROLE)
        amount, first, second = self._session.morph
        plays = kit.id in (first, second) if 0 < amount < 1 else kit.id == self._session.kit
        state = option.state  # type: ignore[attr-defined]
        area: QRect = option.rect.adjusted(0, 2, -2, -2)  # type: ignore[attr-defined]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if plays or state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(Theme.colour("accent_soft" if plays else "raised"))
            painter.drawRoundedRect(area, 8, 8)
        if plays:
            painter.setBrush(Theme.colour("accent"))
            painter.drawRoundedRect(QRect(area.left(), area.top() + 10, 3, area.height() - 20), 1.5, 1.5)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(Theme.colour("accent"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(area, 8, 8)
        inner = area.adjusted(14, 8, -10, -8)
        self._texts(painter, inner, kit)
        painter.restore()

    def _texts(self, painter: QPainter, inner: QRect, kit: KitSummary) -> None:
        font = QFont(painter.font())
        font.setPixelSize(10)
        painter.setFont(font)
        chip = painter.fontMetrics().horizontalAdvance(kit.licence)
        painter.setPen(Theme.colour("soft"))
        painter.drawText(inner, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, kit.licence)
        font.setPixelSize(13)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(Theme.colour("text"))
        name = painter.fontMetrics().elidedText(kit.name, Qt.TextElideMode.ElideRight, inner.width() - chip - 8)
        painter.drawText(inner, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, name)
        font.setPixelSize(11)
        font.setWeight(QFont.Weight.Normal)
        painter.setFont(font)
        painter.setPen(Theme.colour("soft"))
        words = painter.fontMetrics().elidedText(kit.character, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, words)


class MorphPanel(QWidget):
    """A slider from the current kit to another one."""

    STEPS = 100

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.second = QComboBox()
        self.second.setAccessibleName("Kit to morph to")
        self.second.setMinimumContentsLength(10)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, self.STEPS)
        self.slider.setAccessibleName("Morph amount")
        self.slider.setToolTip("All the first kit on the left, all the second on the right")
        self.share = label("", "small")
        self.first = label("", "small")
        layout = QVBoxLayout()
        layout.addLayout(column(
            row(caption("Morph"), 1, self.share), self.second, self.slider, spacing=10
        ))  # fmt: skip
        self.setLayout(column(card(layout, 14)))
        self.second.activated.connect(lambda _: self._picked())
        self.slider.valueChanged.connect(lambda _: self._moved())
        session.listen("morph", lambda *_: self.refresh())
        session.listen("kit", lambda *_: self.refresh())
        self._names: dict[str, str] = {}

    def set_kits(self, kits: tuple[KitSummary, ...]) -> None:
        """The kits to choose from."""
        self._names = {kit.id: kit.name for kit in kits}
        self.refresh()

    def refresh(self) -> None:
        """Show the current values."""
        amount, first, second = self._session.morph
        on = first != second
        fill(self.second, [("No second kit", ""), *((name, kit) for kit, name in self._names.items() if kit != first)],
             second if on else "")  # fmt: skip
        self.slider.setEnabled(on)
        self.slider.blockSignals(True)
        self.slider.setValue(round(self.STEPS * amount) if on else 0)
        self.slider.blockSignals(False)
        self.share.setText(f"{100 * (1 - amount):.0f} : {100 * amount:.0f}" if on else "off")

    def _picked(self) -> None:
        second = str(self.second.currentData() or "")
        first = self._session.morph[1] or self._session.kit
        if second:
            self._session.morph_to(0.5, first, second)
        else:
            self._session.morph_to(0.0, first, first)

    def _moved(self) -> None:
        _, first, second = self._session.morph
        if first != second:
            self._session.morph_to(self.slider.value() / self.STEPS, first, second)
