"""Model bundles: folders with `manifest.toml`, ONNX graphs and `snapshot.npz`; docs/bundle.md describes the format.

The manifest holds everything that the running program must know about the networks. Reading is strict: a key that is
unknown, missing or of the wrong type, a file that is absent or whose SHA-256 differs, and a format newer than this
program all raise BundleError with one line. Nothing is ever unpickled. Kits are files of their own (`kits.coded_kit`).
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import tomli_w

from ghostnote.errors import BundleError, MissingError
from ghostnote.files.paths import SHIPPED
from ghostnote.files.schema import TableError, from_table

FORMAT_VERSION: Final = 3
MANIFEST: Final = "manifest.toml"
SNAPSHOT: Final = "snapshot.npz"
ROLES: Final = ("encoder", "decoder")
CODEC_SHAPE: Final = (48_000, 2, 256, 12, 1024)
"""Sample rate, channels, hop, books and entries per book of the codec that this program plays."""
BUNDLES_DIR: Final = SHIPPED / "bundles"
DEFAULT_BUNDLE: Final = "default"


@dataclass(frozen=True)
class Graph:
    """One ONNX file."""

    role: str
    """One of `ROLES`."""
    file: str
    sha256: str

    def __post_init__(self) -> None:
        _check(self.role in ROLES, f"role {self.role!r}, expected one of {', '.join(ROLES)}")
        plain = (
            bool(self.file) and self.file == Path(self.file).name and "\\" not in self.file and "\0" not in self.file
        )
        _check(plain, f"file {self.file!r}, expected a file name without a folder")


@dataclass(frozen=True)
class Training:
    """How the networks were trained."""

    data: tuple[str, ...] = ()
    minutes: float = 0.0
    machine: str = ""
    steps: dict[str, float] = field(default_factory=dict[str, float])
    """Optimiser steps by network."""
    notes: str = ""


@dataclass(frozen=True)
class Manifest:
    """What a bundle is; `load_manifest` and `write_manifest` are its TOML form."""

    format_version: int
    name: str
    codec: str
    """Fingerprint of the codebooks; a kit file names the codec that its codes are for."""
    sample_rate: int
    channels: int
    hop: int
    """Frames per step."""
    books: int
    book_size: int
    graphs: tuple[Graph, ...]
    precision: str = "fp32"
    licence: str = ""
    attributions: tuple[str, ...] = ()
    training: Training = field(default_factory=Training)
    metrics: dict[str, float] = field(default_factory=dict[str, float])

    def __post_init__(self) -> None:
        _check(bool(self.name), "name is empty")
        shape = (self.sample_rate, self.channels, self.hop, self.books, self.book_size)
        _check(shape == CODEC_SHAPE, f"rate, channels, hop, books, book size {shape}, this program plays {CODEC_SHAPE}")
        roles = sorted(graph.role for graph in self.graphs)
        _check(roles == sorted(ROLES), f"graphs {', '.join(roles) or 'none'}, expected {', '.join(ROLES)}")

    def graph(self, role: str) -> Graph:
        """The graph of one of `ROLES`."""
        return next(graph for graph in self.graphs if graph.role == role)


def bundle_names() -> tuple[str, ...]:
    """The bundles in presets/bundles, sorted."""
    return tuple(sorted(path.parent.name for path in BUNDLES_DIR.glob(f"*/{MANIFEST}")))


def bundle_folder(bundle: str | Path | None = None) -> Path:
    """The folder of a bundle given by name (in presets/bundles) or by path; None = "default", or the only one.

    Raises MissingError, naming the bundles there are.
    """
    names = bundle_names()
    if bundle is None:
        chosen = DEFAULT_BUNDLE if DEFAULT_BUNDLE in names else names[0] if len(names) == 1 else None
        if chosen is None:
            found = f"several bundles ({', '.join(names)}), name one" if names else "no bundle"
            raise MissingError(f"no default bundle: {BUNDLES_DIR} has {found}; or give the folder of another")
        return BUNDLES_DIR / chosen
    if str(bundle) in names:
        return BUNDLES_DIR / str(bundle)
    if Path(bundle).is_dir():
        return Path(bundle)
    raise MissingError(
        f"no bundle {str(bundle)!r}: shipped are {', '.join(names) or 'none'}; or give a bundle's folder"
    )


def load_manifest(folder: Path) -> Manifest:
    """The manifest of the bundle in `folder`, whose graph files exist and are unchanged. Raises BundleError."""
    try:
        table = tomllib.loads((folder / MANIFEST).read_bytes().decode("utf-8"))
    except OSError as error:
        raise BundleError(f"{folder} is not a bundle: cannot read {MANIFEST} ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"{folder / MANIFEST} is corrupt: {error}; fetch the bundle again") from error
    manifest = parse_manifest(table, str(folder / MANIFEST))
    for graph in manifest.graphs:
        _check_file(folder, graph)
    return manifest


def parse_manifest(table: Mapping[str, object], source: str) -> Manifest:
    """A manifest from its TOML table; `source` is named in errors. Raises BundleError."""
    version = table.get("format_version")
    if type(version) is not int or version < 1:
        raise BundleError(
            f"{source} has format_version {str(version)[:60]!r}, expected {FORMAT_VERSION}: not a Ghostnote bundle"
        )
    if version < FORMAT_VERSION:
        raise BundleError(
            f"{source} has format {version}, whose kits were part of the networks; this program plays format "
            f"{FORMAT_VERSION}: use the bundle that ships, or export yours again"
        )
    if version > FORMAT_VERSION:
        raise BundleError(f"{source} has format {version}, this program reads up to {FORMAT_VERSION}: update Ghostnote")
    try:
        manifest = from_table(Manifest, dict(table))
    except TableError as error:
        raise BundleError(f"{source}: {error}") from error
    return manifest


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write `manifest.toml`, which `load_manifest` reads back as an equal Manifest."""
    (folder / MANIFEST).write_text(tomli_w.dumps(asdict(manifest)), "utf-8")


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_file(folder: Path, graph: Graph) -> None:
    path = folder / graph.file
    try:
        found = sha256_of(path)
    except OSError as error:
        raise BundleError(f"bundle {folder} lacks its {graph.role} graph: {path} ({error.strerror})") from error
    if found != graph.sha256:
        raise BundleError(
            f"{path} is not the file that the manifest describes: SHA-256 {found[:12]}..., expected "
            f"{graph.sha256[:12]}...; fetch the bundle again"
        )


def _check(holds: bool, fault: str) -> None:
    if not holds:
        raise ValueError(fault)
