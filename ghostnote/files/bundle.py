"""Model bundles: folders with `manifest.toml`, ONNX graphs and `snapshot.npz`; docs/bundle.md describes the format.

The manifest holds everything that the running program must know about the networks. Reading is strict: a key that is
unknown, missing or of the wrong type, a file that is absent or whose SHA-256 differs, and a format newer than this
program all raise BundleError with one line. Nothing is ever unpickled.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import tomli_w

from ghostnote.errors import BundleError, InputError, MissingError
from ghostnote.files.paths import SHIPPED
from ghostnote.files.schema import TableError, from_table
from ghostnote.music.articulations import PIECES
from ghostnote.music.grid import GRID_NAME, N_COLUMNS

FORMAT_VERSION: Final = 2
MANIFEST: Final = "manifest.toml"
SNAPSHOT: Final = "snapshot.npz"
ROLES: Final = ("condition", "predictor", "decoder")
BUNDLES_DIR: Final = SHIPPED / "bundles"
DEFAULT_BUNDLE: Final = "default"


@dataclass(frozen=True)
class StateTensor:
    """What a graph remembers from call to call, zero at the start: see docs/bundle.md.

    Without lags a tensor: input `NAME`, output `NAME_next`. With lags the last rows of a sequence: inputs `NAME_LAG`,
    the rows that lie so many hops before those of the call, as far as they come before it; output `NAME_next`, the
    call's own rows.
    """

    name: str
    shape: tuple[int, ...]
    """Without the leading batch dimension; with lags [rows, width]."""
    lags: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _check(all(size > 0 for size in self.shape), f"shape {list(self.shape)} has a size below 1")
        fits = not self.lags or (len(self.shape) == 2 and all(0 < lag <= self.shape[0] for lag in self.lags))
        _check(fits, f"lags {list(self.lags)} do not fit the shape {list(self.shape)}")

    def inputs(self, hops: int) -> dict[str, tuple[int, ...]]:
        """Inputs of a call of `hops` hops by name, with their shapes without the batch dimension."""
        if not self.lags:
            return {self.name: self.shape}
        return {f"{self.name}_{lag}": (min(hops, lag), self.shape[1]) for lag in self.lags}

    def output(self, hops: int) -> tuple[int, ...]:
        """Shape of the output `NAME_next` without the batch dimension."""
        return (hops, self.shape[1]) if self.lags else self.shape


@dataclass(frozen=True)
class Graph:
    """One ONNX file."""

    role: str
    """One of `ROLES`."""
    file: str
    sha256: str
    state: tuple[StateTensor, ...] = ()
    """In the order of the graph's inputs and outputs."""

    def __post_init__(self) -> None:
        _check(self.role in ROLES, f"role {self.role!r}, expected one of {', '.join(ROLES)}")
        plain = (
            bool(self.file) and self.file == Path(self.file).name and "\\" not in self.file and "\0" not in self.file
        )
        _check(plain, f"file {self.file!r}, expected a file name without a folder")


@dataclass(frozen=True)
class Codes:
    """The codes between predictor and decoder."""

    books: int
    size: int
    temperature: tuple[float, ...]
    """Default sampling temperature of each book, 0 = the likeliest code."""

    def __post_init__(self) -> None:
        _check(self.books > 0 and self.size > 1, f"{self.books} books of {self.size} codes")
        fits = len(self.temperature) == self.books and all(t >= 0 for t in self.temperature)
        _check(fits, f"{len(self.temperature)} temperatures for {self.books} books, expected one >= 0 for each")


@dataclass(frozen=True)
class GridSpec:
    """The grid that the predictor reads."""

    name: str
    columns: int


LONGEST_RING: Final = 60.0
"""Of a piece [s]."""


@dataclass(frozen=True)
class KitInfo:
    """A timbre inside the bundle; its index in `Manifest.kits` is the network's."""

    id: str
    name: str
    character: str = ""
    licence: str = ""
    author: str = ""
    gain_db: float = 0.0
    """Added by the renderer, so that the kit is as loud as the one that it models."""
    piece_db: tuple[float, ...] = ()
    """Likewise added to each piece, in the order of PIECES; if empty: 0."""
    piece_seconds: tuple[float, ...] = ()
    """The longest that each piece sounds after a hit; if empty: unknown."""


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
    sample_rate: int
    channels: int
    hop: int
    """Frames per step."""
    grid: GridSpec
    codes: Codes
    graphs: tuple[Graph, ...]
    kits: tuple[KitInfo, ...]
    drummers: tuple[str, ...]
    causal: bool = True
    """Whether a hop's sound depends on nothing later; a model that is not causal renders whole windows of 4 beats."""
    precision: str = "fp32"
    licence: str = ""
    attributions: tuple[str, ...] = ()
    training: Training = field(default_factory=Training)
    metrics: dict[str, float] = field(default_factory=dict[str, float])

    def __post_init__(self) -> None:
        _check(bool(self.name), "name is empty")
        _check(8000 <= self.sample_rate <= 384_000, f"sample_rate {self.sample_rate}, expected 8000..384000")
        _check(self.channels in (1, 2), f"channels {self.channels}, expected 1 or 2")
        _check(16 <= self.hop <= 65_536, f"hop {self.hop}, expected 16..65536")
        roles = sorted(graph.role for graph in self.graphs)
        _check(roles == sorted(ROLES), f"graphs {', '.join(roles) or 'none'}, expected {', '.join(ROLES)}")
        _check(bool(self.kits), "no kits")
        _check(all(abs(k.gain_db) <= 24 for k in self.kits), "a kit's gain_db is outside -24..24 dB")
        _check(
            all(len(k.piece_db) in (0, len(PIECES)) and all(abs(g) <= 24 for g in k.piece_db) for k in self.kits),
            f"a kit's piece_db is not {len(PIECES)} gains within -24..24 dB",
        )
        rings = [k.piece_seconds for k in self.kits]
        _check(
            all(len(one) in (0, len(PIECES)) and all(0 < s <= LONGEST_RING for s in one) for one in rings),
            f"a kit's piece_seconds is not {len(PIECES)} times above 0 and up to {LONGEST_RING:g} s",
        )
        _check(bool(self.drummers), "no drummers")
        ids = [kit.id for kit in self.kits]
        _check(len(set(ids)) == len(ids), "two kits with the same id")

    def graph(self, role: str) -> Graph:
        """The graph of one of `ROLES`."""
        return next(graph for graph in self.graphs if graph.role == role)

    def kit_index(self, kit: str) -> int:
        """Index of the kit with this id. Raises InputError with the nearest ids and all of them."""
        ids = [info.id for info in self.kits]
        if kit not in ids:
            near = get_close_matches(kit.lower(), ids, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}? " if near else ""
            raise InputError(f"bundle {self.name} has no kit {kit!r}: {hint}Kits are {', '.join(ids)}")
        return ids.index(kit)

    def check_drummer(self, index: int) -> None:
        """Raises InputError, naming the drummers, unless there is one of this index."""
        if not 0 <= index < len(self.drummers):
            named = ", ".join(f"{n} {name}" for n, name in enumerate(self.drummers))
            raise InputError(f"bundle {self.name} has no drummer {index}: there are {named}")


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
            f"{source} has format_version {str(version)[:60]!r}, expected 1..{FORMAT_VERSION}: not a Ghostnote bundle"
        )
    if version > FORMAT_VERSION:
        raise BundleError(f"{source} has format {version}, this program reads up to {FORMAT_VERSION}: update Ghostnote")
    try:
        manifest = from_table(Manifest, dict(table))
    except TableError as error:
        raise BundleError(f"{source}: {error}") from error
    grid = manifest.grid
    if (grid.name, grid.columns) != (GRID_NAME, N_COLUMNS):
        raise BundleError(
            f"{source} is for the grid {grid.name} with {grid.columns} columns, this program builds {GRID_NAME} with "
            f"{N_COLUMNS}: export the bundle again"
        )
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
