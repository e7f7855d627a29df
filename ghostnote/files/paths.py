"""Where files are stored, what they may be called, and how they are replaced."""

import contextlib
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import Final

from platformdirs import user_config_path

from ghostnote.errors import InputError

SHIPPED: Final = Path(__file__).resolve().parents[2] / "presets"
"""What ships: bundles, grooves, MIDI maps, drummers."""
_NAME: Final = re.compile(r"[^\W_](?:[\w \-.]{0,62}[\w\-])?")


def user_dir() -> Path:
    """Where the user's presets and maps are stored: $GHOSTNOTE_HOME, or the system's folder for settings."""
    home = os.environ.get("GHOSTNOTE_HOME")
    return Path(home) if home else user_config_path("ghostnote", appauthor=False)


def is_regular(path: Path) -> bool:
    """Whether `path` is a file that can be read to its end: no folder, pipe or device. Follows links."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def write_atomically(path: Path, text: str) -> None:
    """Replace the file at `path` by `text` (UTF-8) atomically: the file is never partly written."""
    write_bytes_atomically(path, text.encode())


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Replace the file at `path` by `content` atomically."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o666 & ~_umask())  # as any new file; mkstemp's are for the owner alone
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def check_name(name: str, what: str) -> str:
    """`name` if it can be a file name on every system. Raises InputError."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{what} {name!r:.80}: expected 1..64 letters, digits, '-', '_', '.', spaces; first a letter or digit"
        )
    return name


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
