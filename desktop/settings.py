"""What the app saves between runs: `app.toml` in the user's folder."""

import logging
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import tomli_w

from desktop.session import path, topic_of
from ghostnote.errors import GhostnoteError
from ghostnote.files.paths import user_dir, write_atomically
from ghostnote.files.preset import PieceSound, Preset
from ghostnote.files.schema import TableError, from_table
from ghostnote.osc.schema import Values

THEMES: Final = ("system", "dark", "light")
BLOCKS: Final = (32, 64, 128, 256, 512, 1024, 2048)
RATES: Final = (0, 44_100, 48_000, 88_200, 96_000)
"""Sample rates to choose from; 0 = the bundle's."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AppSettings:
    """The options of the server, as those of `ghostnote serve`, and the app's own."""

    bundle: str = ""
    device: str = ""
    """Part of the output device's name, "" = the system's default."""
    rate: int = 0
    block: int = 128
    midi: str = ""
    """MIDI source, "" = the virtual port "Ghostnote In"."""
    midi_map: str = "gm"
    osc_port: int = 9010
    theme: str = "system"
    render_folder: str = ""
    """Folder for rendered files, "" = beside the MIDI file."""
    last: Preset = field(default_factory=Preset)
    """The server's settings when the app was closed."""

    def __post_init__(self) -> None:
        if self.theme not in THEMES:
            raise ValueError(f"theme is {self.theme!r}, expected {', '.join(THEMES)}")

    def server_options(self) -> list[str]:
        """The command line of `ghostnote serve`, without the OSC port."""
        given = {
            "--bundle": self.bundle,
            "--device": self.device,
            "--rate": str(self.rate or ""),
            "--block": str(self.block),
            "--midi": self.midi,
            "--midi-map": self.midi_map,
        }
        return [word for option, value in given.items() if value for word in (option, value)]


def settings_path() -> Path:
    """The file of the settings; it need not exist."""
    return user_dir() / "app.toml"


def load_settings() -> AppSettings:
    """The saved settings; the defaults if there are none, or, with a log line, if they cannot be read."""
    file = settings_path()
    try:
        return from_table(AppSettings, tomllib.loads(file.read_text("utf-8")))
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TableError) as error:
        _log.warning("%s is ignored and defaults are used: %s", file, error)
    return AppSettings()


def save_settings(settings: AppSettings) -> None:
    """Save `settings`; if that is not possible, log a line."""
    file = settings_path()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, tomli_w.dumps(asdict(settings)))
    except OSError as error:
        _log.warning("settings are not saved: %s", error)


def preset_of(kept: Mapping[str, Values]) -> Preset:
    """Values of addresses (desktop.session.Session.kept) as a preset."""
    numbers: dict[str, dict[str, float]] = {"level": {}, "pan": {}, "feel": {}}
    pieces: dict[str, dict[str, Any]] = {}
    found: dict[str, object] = {}
    for address, values in kept.items():
        topic, first = topic_of(address), values[0]
        if topic in numbers:
            numbers[topic][address.rpartition("/")[2]] = float(first)
        elif topic == "piece":
            piece, aspect = address.split("/")[-2:]
            pieces.setdefault(piece, {})[aspect] = first
        elif topic == "morph":
            found["kit"] = {str(values[1]): 1 - float(first), str(values[2]): float(first)}
        elif topic == "kit":
            found["kit"] = {str(first): 1.0} if first else {}
        else:
            found[topic] = first
    try:
        sounds = {piece: PieceSound(**aspects) for piece, aspects in pieces.items()}
        different = {piece: sound for piece, sound in sounds.items() if sound != PieceSound()}
        mix = {"levels": numbers["level"], "pans": numbers["pan"], "feel": numbers["feel"], "pieces": different}
        return Preset(**mix, **found)  # type: ignore[arg-type]
    except (ValueError, GhostnoteError) as error:
        _log.warning("the server's settings are not saved: %s", error)
        return Preset()


def kept_of(preset: Preset) -> dict[str, Values]:
    """What `preset_of` takes, for the settings that differ from the defaults; the default preset gives {}."""
    kept: dict[str, Values] = {}
    if len(preset.kit) == 2:
        (first, _), (second, share) = preset.kit.items()
        kept[path("morph")] = (share, first, second)
    elif preset.kit:
        kept[path("kit")] = (next(iter(preset.kit)),)
    default = Preset()
    for name in ("drummer", "mode", "tempo"):
        if getattr(preset, name) != getattr(default, name):
            kept[path(name)] = (getattr(preset, name),)
    for topic, numbers in (("level", preset.levels), ("pan", preset.pans), ("feel", preset.feel)):
        kept |= {path(f"{topic}/{key}"): (value,) for key, value in numbers.items() if value}
    for piece, sound in preset.pieces.items():
        kept |= {path(f"piece/{piece}/{key}"): (value,) for key, value in asdict(sound).items() if value}
    return kept
