"""The output of each file, and the command line that renders it. Without Qt."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from desktop.pieces import TITLES, db_text
from ghostnote.files.preset import Preset, main_kit
from ghostnote.music.articulations import PIECES

SOURCES: Final = (".mid", ".midi", ".toml")
FORMATS: Final = ("wav", "flac")


@dataclass(frozen=True)
class RenderRequest:
    """One file to be rendered."""

    source: Path
    preset: Preset = field(default_factory=Preset)
    """Kit or morph, drummer, levels, positions, feel."""
    bundle: str = ""
    folder: str = ""
    """Output folder, "" = beside the source."""
    format: str = "wav"
    stems: bool = False

    @property
    def target(self) -> Path:
        """NAME-KIT.wav (the larger kit of a morph), with a number if that already exists."""
        folder = Path(self.folder) if self.folder else self.source.parent
        stem, number = f"{self.source.stem}-{main_kit(self.preset.kit) or 'drums'}", 1
        while (path := folder / f"{stem}{f'-{number}' if number > 1 else ''}.{self.format}").exists():
            number += 1
        return path

    def arguments(self, target: Path, preset: Path) -> list[str]:
        """The command line after `ghostnote`; `preset`: the file in which the preset has been written."""
        return [
            "render", str(self.source), "--out", str(target), "--preset", str(preset), "--progress",
            *(["--stems"] if self.stems else []), *(["--bundle", self.bundle] if self.bundle else []),
        ]  # fmt: skip


def is_source(path: Path) -> bool:
    """Whether a file can be rendered, by its name."""
    return path.suffix.lower() in SOURCES


def written(target: Path) -> list[Path]:
    """The sound file and the stems beside it, those that are there."""
    stems = (target.with_suffix(f".{piece}{target.suffix}") for piece in PIECES)
    return [path for path in (target, *stems) if path.is_file()]


def percent(line: str) -> int | None:
    """The progress in a line of `ghostnote render --progress`, None for another line."""
    number, sign, rest = line.strip().partition(" %")
    return int(number) if sign and not rest and number.isdigit() else None


def mix_text(preset: Preset) -> str:
    """How a preset differs from the defaults, besides the kit: "Low tom off, Hi-hat 40 % right"."""
    levels = [f"{TITLES[piece]} {_level_text(db)}" for piece, db in preset.levels.items() if db]
    pans = [f"{TITLES[piece]} {_place_text(pan)}" for piece, pan in preset.pans.items() if pan]
    feel = [f"{aspect} {100 * amount:.0f} %" for aspect, amount in preset.feel.items() if amount]
    return ", ".join(levels + pans + feel)


def kit_text(shares: Mapping[str, float], names: Mapping[str, str]) -> str:
    """A kit or a morph by the names of its kits, such as "Brush jazz" or "Brush jazz 70 : 30 Power rock"."""
    kits = [names.get(kit, kit) for kit in shares]
    if len(kits) < 2:
        return "".join(kits)
    return f"{kits[0]} {' : '.join(f'{100 * share:.0f}' for share in shares.values())} {kits[1]}"


def _level_text(db: float) -> str:
    text = db_text(db)
    return text if text == "off" else f"{text} dB"


def _place_text(pan: float) -> str:
    return f"{100 * abs(pan):.0f} % {'right' if pan > 0 else 'left'}"
