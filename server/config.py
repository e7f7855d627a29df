"""How a server is started: one flat table of settings, from a file and from the command line."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from ghostnote.errors import InputError, MissingError
from ghostnote.files.preset import MODES, Preset, load_preset
from ghostnote.files.schema import TableError, from_table
from server.audio.output import BACKENDS


@dataclass(frozen=True)
class ServeConfig:
    """How to serve. The fields are the keys of a configuration file and the options of `ghostnote serve`."""

    bundle: str = ""
    """Name or folder of a bundle, "" = the preset's or the default."""
    device: str = ""
    """Index of an output device or part of its name, "" = the preset's or the system's default."""
    block: int = 128
    """Frames of one device callback, 16..8192."""
    rate: int = 0
    """Frames per second of the device, 0 = the bundle's."""
    lead_ms: float = 0.0
    """Time between the last hit of a hop and its sound [ms], 0 = 5 ms and what the block needs; 0..1000."""
    backend: str = ""
    """"rtmixer" or "callback", "" = the first that works."""
    midi: str = ""
    """MIDI port to listen to, "" = a virtual port "Ghostnote In"."""
    midi_api: str = "auto"
    """"alsa", "jack", "core", "winmm"; "auto" = the first that answers."""
    midi_map: str = ""
    """Name or file of a MIDI map, "" = the preset's, "gm" without one."""
    osc_host: str = "127.0.0.1"
    """Address on which OSC is received; any but the loopback address is open to the network."""
    osc_port: int = 9010
    """UDP port, 0 = any free one."""
    discover: bool = False
    """Announce OSC and OSCQuery by zeroconf."""
    preset: str = ""
    """Saved settings to start with; the options bundle, device, midi_map, kit and mode override them."""
    kit: str = ""
    """Initial kit, "" = the preset's or the bundle's first."""
    mode: str = ""
    """"live" or "window", "" = the preset's, live without one."""
    play: str = ""
    """A shipped groove, or the file of one, to play in a loop."""
    groove_folder: str = ""
    """Folder to which generated grooves are also written as MIDI files; "" = none."""
    record_folder: str = ""
    """Folder for recordings, "" = Ghostnote in the user's music folder, or recordings in $GHOSTNOTE_HOME."""
    live_feel_ms: float = 0.0
    """The longest delay that the drummer's feel may add to live hits [ms], 0..100; 0 = off."""
    threads: int = 1
    """Threads inside the networks, 1..16."""
    provider: str = "cpu"
    """"cpu" or "cuda"."""

    def __post_init__(self) -> None:
        ranges = (
            ("block", 16, 8192),
            ("osc_port", 0, 65535),
            ("threads", 1, 16),
            ("lead_ms", 0, 1000),
            ("live_feel_ms", 0, 100),
        )
        for name, low, high in ranges:
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} is {getattr(self, name)}, expected {low}..{high}")
        if self.rate and not 8000 <= self.rate <= 384_000:
            raise ValueError(f"rate is {self.rate}, expected 8000..384000, or 0 for the bundle's")
        if self.backend not in ("", *BACKENDS):
            raise ValueError(f"backend is {self.backend!r}, expected {' or '.join(BACKENDS)}")
        if self.mode not in ("", *MODES):
            raise ValueError(f"mode is {self.mode!r}, expected {' or '.join(MODES)}")


def read_config(path: Path | None, given: Mapping[str, Any]) -> ServeConfig:
    """The configuration file at `path` (TOML), overridden by `given`. Raises MissingError, InputError."""
    table: dict[str, Any] = {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")) if path else {}
    except FileNotFoundError:
        raise MissingError(f"no configuration file {path}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a TOML file: {error}") from None
    try:
        return from_table(ServeConfig, table | dict(given))
    except TableError as error:
        known = ", ".join(entry.name for entry in fields(ServeConfig))
        raise InputError(f"{path or 'options'}: {error}; known keys are {known}") from None


def start_settings(config: ServeConfig, resumed: Preset | None = None) -> tuple[ServeConfig, Preset]:
    """The configuration with its preset filled in, and the initial settings. Raises as `load_preset`.

    `resumed`: the settings of the previous process, which override all others.
    """
    if resumed:
        return replace(config, bundle=resumed.bundle, midi_map=resumed.midi_map), resumed
    preset = load_preset(config.preset) if config.preset else Preset()
    full = replace(
        config,
        bundle=config.bundle or preset.bundle,
        device=config.device or preset.output,
        midi_map=config.midi_map or preset.midi_map,
    )
    kit = {config.kit: 1.0} if config.kit else preset.kit
    mode = config.mode or preset.mode
    return full, replace(preset, kit=kit, mode=mode, midi_map=full.midi_map, output=full.device)
