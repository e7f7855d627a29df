"""The program's icon from its one drawing, in the form that an executable of this system needs."""

import sys
from pathlib import Path

SIZE = 256
SUFFIX = {"win32": ".ico", "darwin": ".icns"}.get(sys.platform, ".png")


def make_icon(drawing: Path, folder: Path) -> Path:
    """Draw `drawing` (SVG) as NAME.ico, NAME.icns or NAME.png in `folder`. Raises OSError when it cannot be written."""
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    image = QImage(SIZE, SIZE, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(str(drawing)).render(painter)
    painter.end()
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{drawing.stem}{SUFFIX}"
    if not image.save(str(target)):
        raise OSError(f"cannot write {target}")
    return target
