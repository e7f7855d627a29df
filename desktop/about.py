"""Version, licences and attributions of the program, the shipped models and its dependencies. Without Qt."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, packages_distributions, version
from pathlib import Path
from typing import Final

from ghostnote.files.bundle import BUNDLES_DIR

HOME: Final = BUNDLES_DIR.parent.parent
"""The checkout, or the data of the packaged program."""
MADE_WITH: Final = ("PySide6", "numpy", "onnxruntime", "sounddevice", "rtmixer", "rtmidi", "mido", "pythonosc",
                    "soundfile", "soxr", "zeroconf", "typer", "rich", "platformdirs", "tomli_w")  # fmt: skip
"""Modules whose packages are named when the program is not packaged."""


@dataclass(frozen=True)
class Notice:
    """One licence text."""

    title: str
    text: str


def program_version() -> str:
    """Such as "0.1.0"; "unknown" where it was never installed."""
    try:
        return version("ghostnote")
    except PackageNotFoundError:
        return "unknown"


def notices(home: Path = HOME) -> list[Notice]:
    """The notices: models first, then the program, then everything else by name."""
    ours = [
        Notice("Sounds in the models", _read(home / "LICENSE-WEIGHTS")),
        Notice("Ghostnote", _read(home / "LICENSE")),
    ]
    packaged = sorted((home / "licences").glob("*.txt"), key=lambda file: file.stem.lower())
    others = [Notice(file.stem, _read(file)) for file in packaged] or _installed()
    return [*ours, *others]


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        return f"{file.name} cannot be read: {error}"


def _installed() -> list[Notice]:
    known = packages_distributions()
    names = sorted({name for module in MADE_WITH for name in known.get(module, ())}, key=str.lower)
    return [Notice(name, _facts(name)) for name in names]


def _facts(name: str) -> str:
    meta = metadata(name)
    named = {key: meta[key] for key in ("License-Expression", "License") if key in meta}
    classes = [line.rpartition(" :: ")[2] for line in meta.get_all("Classifier") or [] if line.startswith("License")]
    licence = named.get("License-Expression") or ", ".join(classes) or named.get("License") or "see its source"
    return f"{name} {version(name)}\nLicence: {licence}"
