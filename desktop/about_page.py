"""The page of versions and licences."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QListWidget, QPlainTextEdit, QWidget

from desktop.about import notices, program_version
from desktop.widgets.parts import card, column, label, row


class AboutPage(QWidget):
    """The components on the left, the selected licence on the right."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self._notices = notices()
        self.names, self.text = QListWidget(), QPlainTextEdit()
        self.names.setAccessibleName("Parts of Ghostnote")
        self.names.addItems([notice.title for notice in self._notices])
        self.names.setMaximumWidth(280)
        self.names.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Licence")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.names.currentRowChanged.connect(self._show)
        self.names.setCurrentRow(0)
        both = row(card(column(self.names), 8), card(column(self.text)), spacing=12)
        both.setStretch(1, 1)
        about = label("A neural drummer. The audio that you render with its models is yours.", "soft", wrap=True)
        page = column(label(f"Ghostnote {program_version()}", "head"), about, both, spacing=12)
        page.setContentsMargins(16, 16, 16, 16)
        self.setLayout(page)

    def _show(self, number: int) -> None:
        self.text.setPlainText(self._notices[number].text)
