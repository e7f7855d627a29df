"""Presets: a user's saved settings, one TOML file each.

    bundle = "default"          # "" = whichever runs
    kit = "tr808"               # or a morph of two: kit = { tr808 = 0.7, jazz = 0.3 }
    drummer = 0
    mode = "live"               # or "window"
    tempo = 120.0               # quarter notes per minute, while no MIDI clock runs
    midi_map = "td17"           # a shipped map, a user's map, or the path of a .toml file
    output = ""                 # part of the audio device's name; "" = the system's default
    levels = { snare = -3.0 }   # dB per piece, -60 (off) .. 12; 0 where absent
    pans = { hat = 0.2 }        # -1 left .. 1 right per piece; 0 where absent
    feel = { timing = 0.5 }     # timing, velocity, swing: 0 .. 1; 0 where absent

    [pieces.snare]              # where a piece shall sound otherwise than the kit has it
    kit = "tr808"               # "" = the kit above
    tune = -2.0                 # semitones, -12 .. 12
    damp = 0.3                  # 0 .. 1
    tone = 0.5                  # -1 dark .. 1 bright

Every key is optional. The user's presets are in `user_dir() / "presets"`; a file that is not a preset is reported and
left untouched.
"""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, get_args

import tomli_w

from ghostnote.errors import InputError, MissingError
from ghostnote.events import (
    Command,
    Mode,
    PieceAspect,
    SetDrummer,
    SetFeel,
    SetKit,
    SetLevel,
    SetMode,
    SetPan,
    SetPieceSound,
    SetTempo,
)
from ghostnote.files.paths import check_name, user_dir, write_atomically
from ghostnote.files.schema import TableError, from_table
from ghostnote.music.articulations import PIECES

LEVEL_DB: Final = (-60.0, 12.0)
"""Range of a piece's level; the lower limit is off."""
PAN: Final = (-1.0, 1.0)
FEEL: Final = (0.0, 1.0)
TUNE: Final = (-12.0, 12.0)
"""Semitones."""
DAMP: Final = (0.0, 1.0)
TONE: Final = (-1.0, 1.0)
TEMPO_BPM: Final = (20.0, 400.0)
FEEL_ASPECTS: Final = ("timing", "velocity", "swing")
PIECE_ASPECTS: Final[tuple[PieceAspect, ...]] = get_args(PieceAspect)
MODES: Final[tuple[Mode, ...]] = get_args(Mode)


@dataclass(frozen=True)
class PieceSound:
    """How one piece sounds; by default as the kit has it."""

    kit: str = ""
    """Id of the kit that this piece is taken from, "" = that of all."""
    tune: float = 0.0
    """Semitones."""
    damp: float = 0.0
    tone: float = 0.0

    def __post_init__(self) -> None:
        for name, bounds in (("tune", TUNE), ("damp", DAMP), ("tone", TONE)):
            _check_range(name, getattr(self, name), bounds)


@dataclass(frozen=True)
class Preset:
    """Settings as in the module's example; the fields are the keys of the file."""

    bundle: str = ""
    kit: dict[str, float] = field(default_factory=dict[str, float])
    """Kit id -> share, one or two kits, shares sum to 1; empty = the bundle's first kit."""
    drummer: int = 0
    mode: str = "live"
    tempo: float = 120.0
    midi_map: str = "gm"
    output: str = ""
    levels: dict[str, float] = field(default_factory=dict[str, float])
    pans: dict[str, float] = field(default_factory=dict[str, float])
    feel: dict[str, float] = field(default_factory=dict[str, float])
    pieces: dict[str, PieceSound] = field(default_factory=dict[str, PieceSound])

    def __post_init__(self) -> None:
        shares = self.kit.values()
        _check(len(self.kit) <= 2, f"kit names {len(self.kit)} kits, expected one or two")
        fits = not self.kit or (min(shares) >= 0 and abs(sum(shares) - 1) < 1e-3)
        _check(fits, f"kit has the shares {list(shares)}, expected shares from 0 that sum to 1")
        _check(self.drummer >= 0, f"drummer is {self.drummer}, expected a number from 0")
        _check(self.mode in MODES, f"mode is {self.mode!r}, expected {' or '.join(MODES)}")
        _check_range("tempo", self.tempo, TEMPO_BPM)
        for piece in self.pieces:
            _check(piece in PIECES, f"pieces.{piece} is unknown, known are {', '.join(PIECES)}")
        for name, values, keys, bounds in (
            ("levels", self.levels, PIECES, LEVEL_DB),
            ("pans", self.pans, PIECES, PAN),
            ("feel", self.feel, FEEL_ASPECTS, FEEL),
        ):
            for key, value in values.items():
                _check(key in keys, f"{name}.{key} is unknown, known are {', '.join(keys)}")
                _check_range(f"{name}.{key}", value, bounds)

    def commands(self) -> list[Command]:
        """The commands that make a running server play with these settings (except bundle, map and output)."""
        return [
            *([SetKit(self.kit)] if self.kit else []),
            SetDrummer(self.drummer),
            *(SetLevel(piece, self.levels.get(piece, 0.0)) for piece in PIECES),
            *(SetPan(piece, self.pans.get(piece, 0.0)) for piece in PIECES),
            *(
                SetPieceSound(piece, aspect, getattr(self.pieces.get(piece, PieceSound()), aspect))
                for piece in PIECES
                for aspect in PIECE_ASPECTS
            ),
            *(SetFeel(aspect, self.feel.get(aspect, 0.0)) for aspect in FEEL_ASPECTS),
            SetMode("window" if self.mode == "window" else "live"),
            SetTempo(self.tempo),
        ]

    def check_fits(self, name: str, bundle: str, kits: Collection[str], drummers: Collection[str]) -> None:
        """Raises InputError unless this preset, called `name`, is for a bundle of that name, kits and drummers."""
        named = [*self.kit, *(sound.kit for sound in self.pieces.values() if sound.kit)]
        unknown = [kit for kit in named if kit not in kits]
        if unknown or (self.bundle and self.bundle != bundle):
            raise InputError(
                f"preset {name!r} is for the bundle {self.bundle or 'with kit ' + ', '.join(unknown)}, "
                f"{bundle or 'another'} is playing: load that bundle first"
            )
        if self.drummer >= max(1, len(drummers)):
            raise InputError(f"preset {name!r} asks for drummer {self.drummer}, there are {len(drummers)}")

    def after(self, command: Command) -> "Preset":
        """The settings after `command`; LoadPreset by itself changes nothing."""
        match command:
            case SetKit(weights):
                return replace(self, kit=dict(weights))
            case SetDrummer(index):
                return replace(self, drummer=index)
            case SetLevel(piece, db):
                return replace(self, levels=self.levels | {piece: db})
            case SetPan(piece, pan):
                return replace(self, pans=self.pans | {piece: pan})
            case SetPieceSound(piece, aspect, value):
                sound = replace(self.pieces.get(piece, PieceSound()), **{aspect: value})
                others = {name: one for name, one in self.pieces.items() if name != piece}
                return replace(self, pieces=others if sound == PieceSound() else others | {piece: sound})
            case SetFeel(aspect, amount):
                return replace(self, feel=self.feel | {aspect: amount})
            case SetMode(mode):
                return replace(self, mode=mode)
            case SetTempo(bpm):
                return replace(self, tempo=bpm)
            case _:
                return self


@dataclass(frozen=True)
class PresetList:
    """What is in a preset folder."""

    names: tuple[str, ...]
    """Readable presets, sorted."""
    faults: dict[str, str]
    """File name -> why it is not a preset."""


def presets_dir() -> Path:
    """The folder of the user's presets; it need not exist."""
    return user_dir() / "presets"


def parse_preset(text: str, source: str) -> Preset:
    """A preset from TOML; `source` is named in errors. Raises InputError naming the key."""
    try:
        table: dict[str, Any] = tomllib.loads(text)
        if isinstance(table.get("kit"), str):
            table["kit"] = {table["kit"]: 1.0}
        return from_table(Preset, table)
    except (tomllib.TOMLDecodeError, RecursionError, TableError) as error:
        raise InputError(f"preset {source} cannot be used: {error}") from error


def dump_preset(preset: Preset) -> str:
    """The TOML text that `parse_preset` reads back as an equal preset."""
    table = asdict(preset)
    if len(preset.kit) == 1:
        table["kit"] = next(iter(preset.kit))
    return tomli_w.dumps(table)


def load_preset(name: str, folder: Path | None = None) -> Preset:
    """The saved preset called `name`. Raises MissingError, naming what there is, and InputError for a corrupt file."""
    path = _path(name, folder)
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"preset {path} cannot be used: it is not UTF-8 text") from error
    except OSError as error:
        found = ", ".join(list_presets(folder).names) or "none"
        raise MissingError(f"no preset {name!r} in {path.parent} ({error.strerror}); saved presets: {found}") from error
    return parse_preset(text, str(path))


def save_preset(name: str, preset: Preset, folder: Path | None = None, *, overwrite: bool = False) -> Path:
    """Write a preset, all or nothing, and return its path. Raises InputError for a bad name or an existing preset."""
    path = _path(name, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not overwrite:
        raise InputError(f"preset {path} already exists: choose another name or replace it")
    write_atomically(path, dump_preset(preset))
    return path


def list_presets(folder: Path | None = None) -> PresetList:
    """Names of the readable presets, and what is wrong with the other .toml files."""
    names: list[str] = []
    faults: dict[str, str] = {}
    for path in sorted((folder or presets_dir()).glob("*.toml")):
        try:
            load_preset(path.stem, path.parent)
        except (InputError, MissingError) as error:
            faults[path.name] = str(error)
        else:
            names.append(path.stem)
    return PresetList(tuple(names), faults)


def _path(name: str, folder: Path | None) -> Path:
    return (folder or presets_dir()) / f"{check_name(name, 'preset name')}.toml"


def _check(holds: bool, fault: str) -> None:
    if not holds:
        raise ValueError(fault)


def _check_range(name: str, value: float, bounds: tuple[float, float]) -> None:
    _check(bounds[0] <= value <= bounds[1], f"{name} is {value:g}, expected {bounds[0]:g}..{bounds[1]:g}")


def main_kit(weights: Mapping[str, float]) -> str:
    """The kit of the largest share (the first of equals), "" for no kits."""
    return max(weights, key=lambda kit: weights[kit], default="")
