"""Which file becomes which, and the command line that renders it. Nothing of Qt."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ghostnote.articulations import PIECES

SOURCES: Final = (".mid", ".midi", ".toml")
FORMATS: Final = ("wav", "flac")


@dataclass(frozen=True)
class RenderWish:
    """One file to be rendered."""

    source: Path
    kit: str
    drummer: int = 0
    bundle: str = ""
    folder: str = ""
    """Where the sound goes, "" = beside the source."""
    format: str = "wav"
    stems: bool = False

    @property
    def target(self) -> Path:
        """NAME-KIT.wav, or with a number where that exists already."""
        folder = Path(self.folder) if self.folder else self.source.parent
        stem, number = f"{self.source.stem}-{self.kit}", 1
        while (path := folder / f"{stem}{f'-{number}' if number > 1 else ''}.{self.format}").exists():
            number += 1
        return path

    def arguments(self, target: Path) -> list[str]:
        """The command line after `ghostnote`."""
        return [
            "render", str(self.source), "--out", str(target), "--kit", self.kit, "--drummer", str(self.drummer),
            "--progress", *(["--stems"] if self.stems else []), *(["--bundle", self.bundle] if self.bundle else []),
        ]  # fmt: skip


def is_source(path: Path) -> bool:
    """Whether a file can be rendered, by its name."""
    return path.suffix.lower() in SOURCES


def written(target: Path) -> list[Path]:
    """The sound file and the stems beside it, those that are there."""
    stems = (target.with_suffix(f".{piece}{target.suffix}") for piece in PIECES)
    return [path for path in (target, *stems) if path.is_file()]


def percent(line: str) -> int | None:
    """What a line of `ghostnote render --progress` says is done, None for another line."""
    number, sign, rest = line.strip().partition(" %")
    return int(number) if sign and not rest and number.isdigit() else None
