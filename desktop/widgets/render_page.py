"""MIDI file in, sound out: drop a file, render, done."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFrame,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from desktop.control import AppController
from desktop.render_plan import FORMATS, RenderRequest, is_source, kit_text, mix_text, written
from desktop.render_process import RenderQueue
from desktop.widgets.parts import button, caption, card, column, fill, label, row, set_style, set_tone
from ghostnote.files.preset import Preset
from kits.layers import KitSummary

FILE_ROLE: Final = Qt.ItemDataRole.UserRole
SAME_MIX: Final = "Drummer, feel, levels and positions are those of the page Play."
MIX_TOPICS: Final = ("kit", "morph", "level", "pan", "feel", "connection")


class RenderPage(QWidget):
    """The page on which files are rendered."""

    def __init__(self, control: AppController) -> None:
        super().__init__()
        self.setObjectName("page")
        self._control = control
        self.queue = RenderQueue(self)
        self.sources: list[Path] = []
        self.kit, self.format = QComboBox(), QComboBox()
        self.kit.setAccessibleName("Kit to render with")
        self.format.setAccessibleName("Format")
        self.kit.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        fill(self.format, [(name.upper(), name) for name in FORMATS], "wav")
        self.mix = label(SAME_MIX, "small", wrap=True)
        self._kits: tuple[KitSummary, ...] = ()
        self.stems = QCheckBox("Also one file for each piece")
        self.folder = label("", "soft")
        self.go = button("Render", "primary", "Render the chosen files", self.render_files)
        self.stop = button("Cancel", "danger", "Stop rendering", self.queue.cancel)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress")
        self.state = label("", "soft", wrap=True)
        self.results = QListWidget()
        self.results.setAccessibleName("Rendered files")
        self.results.itemActivated.connect(_open_item)
        self.results.itemClicked.connect(_open_item)
        self.drop = DropArea(self.choose, self.take)
        self.setLayout(self._layout())
        self._connect()
        self._show_sources()

    def _layout(self) -> QVBoxLayout:
        change = button("Change...", "", "Choose the folder for rendered files", self.choose_folder)
        how = column(caption("How"), label("Kit", "small"), self.kit, self.mix, spacing=10)
        how.addLayout(column(label("Format", "small"), self.format, self.stems, spacing=10))
        how.addLayout(column(label("Folder", "small"), row(self.folder, 1, change), spacing=10))
        how.addStretch(1)
        found = QVBoxLayout()
        found.addLayout(column(caption("Rendered"), self.results, spacing=10))
        side = card(how)
        side.setFixedWidth(320)
        upper = row(spacing=12)
        upper.addWidget(self.drop, 1)
        upper.addWidget(side)
        doing = card(row(self.state, self.bar, self.stop, self.go, spacing=14), 14)
        self.bar.setMinimumWidth(200)
        page = column(spacing=12)
        page.addLayout(upper, 3)
        page.addWidget(doing)
        page.addWidget(card(found), 2)
        page.setContentsMargins(16, 16, 16, 16)
        return page

    def _connect(self) -> None:
        self.queue.began.connect(self._began)
        self.queue.progressed.connect(self.bar.setValue)
        self.queue.done.connect(self._done)
        self.queue.idle.connect(self._idle)
        for topic in MIX_TOPICS:
            self._control.session.listen(topic, lambda *_: self.refresh())

    def set_kits(self, kits: tuple[KitSummary, ...]) -> None:
        """The kits to choose from."""
        self._kits = kits
        self.refresh()

    def refresh(self) -> None:
        """Show what a file would be rendered with."""
        if not self.isVisible():  # every step of a fader gives feedback
            return
        present = self.present()
        played = kit_text(present.kit, {kit.id: kit.name for kit in self._kits})
        fill(self.kit, [(f"As on Play: {played}", ""), *((kit.name, kit.id) for kit in self._kits)],
             self.kit.currentData() or "")  # fmt: skip
        self.kit.setToolTip(played)
        mix = mix_text(present)
        self.mix.setText(f"{SAME_MIX} {mix[:1].upper()}{mix[1:]}." if mix else SAME_MIX)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Update what has changed meanwhile."""
        super().showEvent(event)
        self.refresh()

    def present(self) -> Preset:
        """What a file would be rendered with: everything as on the page Play, unless another kit is chosen here."""
        preset, chosen = self._control.present(), str(self.kit.currentData() or "")
        if chosen:
            return replace(preset, kit={chosen: 1.0})
        return preset if preset.kit or not self._kits else replace(preset, kit={self._kits[0].id: 1.0})

    def choose(self) -> None:
        """Ask for files."""
        kinds = "Drums (*.mid *.midi *.toml)"
        names, _ = QFileDialog.getOpenFileNames(self, "Open MIDI files", "", kinds)
        if names:
            self.take([Path(name) for name in names])

    def choose_folder(self) -> None:
        """Ask for the folder of rendered files."""
        chosen = QFileDialog.getExistingDirectory(
            self, "Folder for rendered files", self._control.settings.render_folder
        )
        if chosen:
            self._control.remember(render_folder=chosen)
            self._show_sources()

    def take(self, paths: list[Path]) -> None:
        """Choose these files; those that cannot be rendered are named and left out."""
        self.sources = [path for path in paths if is_source(path)]
        refused = [path.name for path in paths if not is_source(path)]
        self._show_sources()
        if refused:
            self._say(f"Not a MIDI or groove file: {', '.join(refused)}", "bad")

    def _show_sources(self) -> None:
        folder = self._control.settings.render_folder
        self.folder.setText(_short(folder) if folder else "Beside the MIDI file")
        self.folder.setToolTip(folder)
        self.drop.show_files([path.name for path in self.sources])
        self.go.setEnabled(bool(self.sources) and not self.queue.busy)
        self.stop.setEnabled(self.queue.busy)
        if not self.queue.busy:
            count = len(self.sources)
            self._say(f"{count} file{'s' * (count != 1)} ready to render" if count else "Nothing chosen yet")

    def render_files(self) -> None:
        """Render the chosen files."""
        settings, preset = self._control.settings, self.present()
        for source in self.sources:
            request = RenderRequest(
                source,
                preset,
                bundle=settings.bundle,
                folder=settings.render_folder,
                format=str(self.format.currentData()),
                stems=self.stems.isChecked(),
            )
            self.queue.add(request)

    def _began(self, source: Path) -> None:
        self.bar.setValue(0)
        self.go.setEnabled(False)
        self.stop.setEnabled(True)
        self._say(f"Rendering {source.name}")

    def _done(self, target: Path, fault: str) -> None:
        files = [] if fault else written(target)
        item = QListWidgetItem(f"{target.name} could not be written: {fault}" if fault else target.name)
        if len(files) > 1:
            item.setText(f"{target.name} and {len(files) - 1} stems")
        item.setData(FILE_ROLE, str(target) if files else "")
        item.setToolTip(str(target) if files else fault)
        self.results.insertItem(0, item)
        self.bar.setValue(0 if fault else 100)
        self._say(fault or f"Done: {target}", "bad" if fault else "good")

    def _idle(self) -> None:
        self.go.setEnabled(bool(self.sources))
        self.stop.setEnabled(False)
        if self.bar.value() < 100 and self.state.text().startswith("Rendering"):
            self.bar.setValue(0)
            self._say("Cancelled")

    def _say(self, text: str, tone: str = "") -> None:
        self.state.setText(text)
        set_tone(self.state, tone)


class DropArea(QFrame):
    """Accepts dropped files, or opens a dialogue."""

    def __init__(self, choose: Callable[[], None], take: Callable[[list[Path]], None]) -> None:
        """`choose` opens the file dialogue, `take` is called with dropped files."""
        super().__init__()
        self._take = take
        self.setProperty("role", "drop")
        self.setProperty("active", "false")
        self.setAcceptDrops(True)
        self.setAccessibleName("Drop MIDI files here")
        self.head = label("", "head")
        self.text = label("", "soft", wrap=True)
        self.open = button("Open MIDI file...", "primary", "Choose MIDI files (Ctrl+O)", choose)
        for one in (self.head, self.text):
            one.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = column(1, self.head, self.text, row(1, self.open, 1), 1, spacing=14)
        layout.setContentsMargins(24, 24, 24, 24)
        self.setLayout(layout)

    def show_files(self, names: list[str]) -> None:
        """The files that are chosen."""
        self.head.setText(names[0] if len(names) == 1 else f"{len(names)} files" if names else "Drop a MIDI file here")
        listed = ", ".join(names[:6]) + (" …" if len(names) > 6 else "")
        self.text.setText(listed if len(names) > 1 else "" if names else "and get the drums as a sound file")
        self.text.setVisible(len(names) != 1)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Accept files."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()
            set_style(self, "active", "true")

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802
        """Gone again."""
        set_style(self, "active", "false")

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Take them."""
        set_style(self, "active", "false")
        self._take(dropped_files(event))


def dropped_files(event: QDropEvent) -> list[Path]:
    """The files of this machine among what was dropped."""
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]


def _open_item(item: QListWidgetItem) -> None:
    if name := str(item.data(FILE_ROLE)):
        QDesktopServices.openUrl(QUrl.fromLocalFile(name))


def _short(folder: str) -> str:
    path = Path(folder)
    return folder if len(path.parts) <= 3 else f"…/{'/'.join(path.parts[-2:])}"
