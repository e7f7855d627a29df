"""The Groove MIDI Dataset in the data folder, for the commands that train and measure."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghostnote.music.performance import Performance

DATA: Final = Path("../shared/data")
"""The data folder where neither an option nor GHOSTNOTE_DATA names another."""


def groove_source(data: Path) -> Path:
    """The dataset's archive or tree below the folder `data`. Raises MissingError."""
    from ghostnote.errors import MissingError

    folder = data / "groove"
    for source in (folder / "groove-midi.tar.xz", folder):
        if source.is_file() or (source.is_dir() and any(source.rglob("info.csv"))):
            return source
    raise MissingError(f"no Groove MIDI Dataset in {folder}: set GHOSTNOTE_DATA or --data to the folder that holds it")


def groove_performances(data: Path) -> "Sequence[Performance]":
    """All performances of the dataset below the folder `data`."""
    from training.data.groove import read_groove

    return read_groove(groove_source(data)).performances
