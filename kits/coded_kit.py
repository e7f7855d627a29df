"""Kit files: the codes of all strokes of one kit, with its layers; `NAME.ghostkit`, a ZIP archive of

    kit.toml      format, codec, id, name, character, licence, author, sources, choke groups
    layers.npy    dtype kits.layers.LAYER
    strokes.npy   dtype STROKE
    frames.npy    uint16 [frames, books]: the codes of all strokes, one after the other
    modes.npy     int16 [modes, 6]: what rings in them (codec.modes)

Reading is strict: whatever does not fit raises InputError with one line that names the file, nothing is unpickled, and
no member may claim more than `LARGEST_MEMBER` bytes.
"""

import io
import tomllib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import tomli_w
from numpy.typing import NDArray

from codec.bands import SAMPLE_RATE
from codec.frames import BOOK_SIZE, BOOKS, HOP
from codec.modes import CODE_SIZES, MOST_MODES
from ghostnote.errors import InputError, MissingError
from ghostnote.files.paths import is_regular, write_bytes_atomically
from ghostnote.files.schema import TableError, from_table
from ghostnote.music.articulations import LANE_OF_NAME, N_LANES
from kits.layers import LAYER, MAX_VELOCITY, KitSummary

KIT_FORMAT: Final = 1
SUFFIX: Final = ".ghostkit"
LARGEST_MEMBER: Final = 64 * 1024 * 1024
LONGEST_STROKE_S: Final = 30.0

STROKE: Final = np.dtype(
    [
        ("first_frame", "i4"),
        ("hops", "i4"),  # of sound; a stroke has one frame of codes more
        ("length", "i4"),  # frames of sound, at most hops * HOP
        ("first_mode", "i4"),
        ("modes", "i4"),
    ]
)


@dataclass(frozen=True)
class KitFacts:
    """kit.toml."""

    format: int
    codec: str
    """Fingerprint of the codec whose codes these are (`Manifest.codec`)."""
    id: str
    name: str
    licence: str
    author: str
    character: str = ""
    source: str = ""
    """Where the recordings come from."""
    remarks: tuple[str, ...] = ()
    """What was substituted or is missing."""
    tags: tuple[str, ...] = ()
    choke_groups: tuple[tuple[str, ...], ...] = ()
    """Names of articulations that silence each other."""

    @property
    def summary(self) -> KitSummary:
        """As lists show it."""
        return KitSummary(self.id, self.name, self.character, self.licence, self.author)


@dataclass(frozen=True)
class CodedKit:
    """A kit of encoded strokes; satisfies `kits.layers.Layered`."""

    facts: KitFacts
    layers: NDArray[np.void] = field(repr=False)
    strokes: NDArray[np.void] = field(repr=False)
    """dtype STROKE."""
    frames: NDArray[np.uint16] = field(repr=False)
    modes: NDArray[np.int16] = field(repr=False)

    def __post_init__(self) -> None:
        _check_layers(self.layers, len(self.strokes))
        _check_strokes(self.strokes, self.frames, self.modes)
        for name in (name for group in self.facts.choke_groups for name in group):
            _check(name in LANE_OF_NAME, f"choke group with {name!r}, which is no articulation")

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Frames of sound of every stroke."""
        return self.strokes["length"].astype(np.int64)

    @property
    def sample_rate(self) -> int:
        """Frames per second."""
        return SAMPLE_RATE

    @property
    def choke_groups(self) -> tuple[tuple[int, ...], ...]:
        """Lanes of which only the last struck one sounds."""
        return tuple(tuple(LANE_OF_NAME[name] for name in group) for group in self.facts.choke_groups)

    def codes(self, stroke: int) -> NDArray[np.uint16]:
        """Codes of the frames -1 .. hops - 1, [hops + 1, books]."""
        row = self.strokes[stroke]
        return self.frames[row["first_frame"] : row["first_frame"] + row["hops"] + 1]

    def mode_codes(self, stroke: int) -> NDArray[np.int16]:
        """Codes of the stroke's modes, [modes, 6]."""
        row = self.strokes[stroke]
        return self.modes[row["first_mode"] : row["first_mode"] + row["modes"]]


def join_strokes(
    strokes: Sequence[tuple[NDArray[np.uint16], NDArray[np.int16], int]],
) -> tuple[NDArray[np.void], NDArray[np.uint16], NDArray[np.int16]]:
    """(codes [hops + 1, books], mode codes [modes, 6], length) of each stroke -> strokes, frames, modes of a kit."""
    rows = np.zeros(len(strokes), STROKE)
    rows["hops"] = [len(codes) - 1 for codes, _, _ in strokes]
    rows["length"] = [length for _, _, length in strokes]
    rows["modes"] = [len(modes) for _, modes, _ in strokes]
    rows["first_frame"] = np.concatenate([[0], np.cumsum(rows["hops"] + 1)[:-1]])
    rows["first_mode"] = np.concatenate([[0], np.cumsum(rows["modes"])[:-1]])
    frames = np.concatenate([codes for codes, _, _ in strokes]).astype(np.uint16)
    modes = np.concatenate([modes for _, modes, _ in strokes]).astype(np.int16)
    return rows, frames, modes


def write_kit(kit: CodedKit, path: Path) -> None:
    """Write a kit file; an interrupted call leaves nothing behind."""
    facts = {key: value for key, value in asdict(kit.facts).items() if value not in ("", ())}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(_member("kit.toml"), tomli_w.dumps(facts))
        for name in _ARRAYS:
            data = io.BytesIO()
            np.lib.format.write_array(data, np.ascontiguousarray(getattr(kit, name)), allow_pickle=False)
            archive.writestr(_member(f"{name}.npy"), data.getvalue())
    write_bytes_atomically(path, content.getvalue())


def read_facts(path: Path) -> KitFacts:
    """What a kit file says of itself. Raises MissingError, InputError."""
    return _read(path, ())[0]


def read_kit(path: Path) -> CodedKit:
    """A kit from its file. Raises MissingError, InputError."""
    facts, arrays = _read(path, _ARRAYS)
    try:
        return CodedKit(facts, *(arrays[name] for name in _ARRAYS))
    except ValueError as error:
        raise InputError(f"{path} is not a kit that can be played: {error}") from error


_ARRAYS: Final = ("layers", "strokes", "frames", "modes")


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))  # the same content gives the same file
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _read(path: Path, names: Sequence[str]) -> tuple[KitFacts, dict[str, NDArray[Any]]]:
    if not path.exists():
        raise MissingError(f"no kit file {path}")
    if not is_regular(path):
        raise InputError(f"{path} is not a kit file: it is no regular file")
    try:
        with zipfile.ZipFile(path) as archive:
            table = tomllib.loads(_content(archive, "kit.toml").decode())
            facts = _facts(table)
            return facts, {name: _array(_content(archive, f"{name}.npy")) for name in names}
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, OSError, NotImplementedError, RecursionError) as error:
        raise InputError(f"{path} is not a kit file that this program can read: {_one_line(error)}") from error
    except Exception as error:  # zlib, tokenize and struct have errors of their own kind
        raise InputError(f"{path} is damaged: {_one_line(error)}") from error


def _facts(table: Mapping[str, Any]) -> KitFacts:
    version = table.get("format")
    if version != KIT_FORMAT:
        raise ValueError(f"format {version!r}, this program reads format {KIT_FORMAT}")
    try:
        return from_table(KitFacts, dict(table))
    except TableError as error:
        raise ValueError(f"kit.toml: {error}") from error


def _content(archive: zipfile.ZipFile, name: str) -> bytes:
    size = archive.getinfo(name).file_size
    if size > LARGEST_MEMBER:
        raise ValueError(f"{name} claims {size} bytes, expected at most {LARGEST_MEMBER}")
    with archive.open(name) as file:
        return file.read(LARGEST_MEMBER + 1)


def _array(content: bytes) -> NDArray[Any]:
    return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)


def _check_layers(layers: NDArray[np.void], strokes: int) -> None:
    _check(layers.dtype == LAYER and layers.ndim == 1, "layers are of another type")
    for lane in range(N_LANES):
        mine = layers[layers["lane"] == lane]
        _check(len(mine) > 0, f"no layer for lane {lane}")
        lows, highs = mine["velocity_low"], mine["velocity_high"]
        whole = lows[0] == 1 and highs[-1] == MAX_VELOCITY and np.array_equal(lows[1:], highs[:-1] + 1)
        _check(bool(whole), f"the layers of lane {lane} do not cover the velocities 1..{MAX_VELOCITY}")
        references = mine["reference_velocity"]
        rising = bool(np.all(np.diff(references) > 0)) and references[0] >= 1 and references[-1] <= MAX_VELOCITY
        _check(rising, f"the reference velocities of lane {lane} do not rise within 1..{MAX_VELOCITY}")
    _check(bool(np.all(np.diff(layers["lane"]) >= 0)), "layers are not sorted by lane")
    loud = np.concatenate([layers["loudness_db"], layers["gain_db"]])
    _check(bool(np.all(np.isfinite(loud) & (np.abs(loud) <= 200))), "a loudness is out of range")
    first, count = layers["first_stroke"].astype(np.int64), layers["n_strokes"].astype(np.int64)
    _check(
        bool(np.all((first >= 0) & (count >= 1) & (first + count <= strokes))), "a layer names strokes that are absent"
    )


def _check_strokes(strokes: NDArray[np.void], frames: NDArray[Any], modes: NDArray[Any]) -> None:
    _check(strokes.dtype == STROKE and strokes.ndim == 1 and len(strokes) > 0, "strokes are of another type")
    _check(frames.dtype == np.uint16 and frames.ndim == 2 and frames.shape[1] == BOOKS, "frames are of another type")
    _check(
        modes.dtype == np.int16 and modes.ndim == 2 and modes.shape[1] == len(CODE_SIZES), "modes are of another type"
    )
    s = {name: strokes[name].astype(np.int64) for name in STROKE.names or ()}
    longest = LONGEST_STROKE_S * SAMPLE_RATE / HOP
    fits = (s["hops"] >= 1) & (s["hops"] <= longest) & (s["length"] >= 1) & (s["length"] <= s["hops"] * HOP)
    fits &= (s["first_frame"] >= 0) & (s["first_frame"] + s["hops"] + 1 <= len(frames))
    fits &= (s["first_mode"] >= 0) & (s["modes"] >= 0) & (s["modes"] <= MOST_MODES)
    fits &= s["first_mode"] + s["modes"] <= len(modes)
    _check(bool(fits.all()), "a stroke lies outside the codes")
    _check(int(frames.max(initial=0)) < BOOK_SIZE, f"a code is above {BOOK_SIZE - 1}")
    _check(bool(np.all((modes >= 0) & (modes < np.array(CODE_SIZES)))), "a mode's code is out of range")


def _check(holds: bool, fault: str) -> None:
    if not holds:
        raise ValueError(fault)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
