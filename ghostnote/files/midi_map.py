"""MIDI maps: which note is which articulation, and how velocity, hi-hat opening and chokes are encoded in MIDI.

A map is a TOML file (presets/midi_maps/*.toml, or a user's):

    description = "Roland TD-17"
    channel = 10                      # where drums are expected, 1..16; default 10
    [notes]                           # note number = articulation; the first note of an articulation is the written one
    36 = "kick"
    [write]                           # optional: notes for articulations that [notes] lacks, used only for writing
    snare_rim = 38
    [velocity]                        # optional: gamma = 1.0, or points = [[1, 0.05], [127, 1.0]]
    gamma = 1.0
    [openness]                        # optional; polarity = which of `open` and `closed` is the larger value
    controller = 4
    open = 0
    closed = 90
    [openness.notes]                  # optional: opening 0..1 implied by hits while no controller has been seen
    hat_open_bow = 1.0
    [choke]                           # optional: polyphonic aftertouch of at least this value grabs the piece
    aftertouch = 64
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ghostnote.errors import InputError, MissingError
from ghostnote.files.paths import SHIPPED, user_dir
from ghostnote.music.articulations import ARTICULATIONS, HAT_LANES, LANE_OF_NAME

MAPS_DIR: Final = SHIPPED / "midi_maps"


def _linear_velocity() -> NDArray[np.float32]:
    return np.arange(128, dtype=np.float32) / np.float32(127)


@dataclass(frozen=True)
class MidiMap:
    """How one instrument or library encodes the 22 articulations in MIDI."""

    name: str
    lane_of_note: Mapping[int, int]
    note_of_lane: Mapping[int, int]
    """Notes to write; lanes that are absent cannot be written."""
    description: str = ""
    channel: int = 10
    """Channel on which drums are expected, 1..16."""
    velocity: NDArray[np.float32] = field(default_factory=_linear_velocity)
    """Velocity 0..1 of MIDI velocity 0..127, strictly increasing, entry 0 is 0; shape (128,)."""
    controller: int | None = None
    """Controller of the hi-hat opening, None = the map has none."""
    open_value: int = 0
    closed_value: int = 127
    openness_of_lane: Mapping[int, float] = field(default_factory=dict[int, float])
    """Opening 0..1 that a hit on this lane implies while no controller has been seen."""
    choke_threshold: int | None = None
    """Least value of polyphonic aftertouch that chokes, 1..127; None = aftertouch is ignored."""

    def openness(self, value: int) -> float:
        """Hi-hat opening 0 closed .. 1 open of a controller value 0..127; beyond the two ends it stays at 0 or 1."""
        return min(1.0, max(0.0, (value - self.closed_value) / (self.open_value - self.closed_value)))

    def controller_value(self, openness: float) -> int:
        """Controller value nearest to an opening of 0..1."""
        return round(self.closed_value + (self.open_value - self.closed_value) * openness)

    def midi_velocity(self, velocity: float) -> int:
        """MIDI velocity 1..127 nearest to a velocity in (0, 1]."""
        return 1 + int(np.argmin(np.abs(self.velocity[1:] - np.float32(velocity))))


def user_maps_dir() -> Path:
    """The folder of the user's own maps; it need not exist."""
    return user_dir() / "midi_maps"


def map_names() -> list[str]:
    """Names of the shipped maps and the user's own, sorted."""
    return sorted({path.stem for folder in (MAPS_DIR, user_maps_dir()) for path in folder.glob("*.toml")})


def load_map(name: str | Path) -> MidiMap:
    """The shipped or the user's own map called `name`, or the map in the TOML file at that path.

    Raises MissingError if there is none, and InputError, naming file, key and value, if it is not valid.
    """
    path = Path(name)
    if path.suffix != ".toml":
        shipped = MAPS_DIR / f"{name}.toml"
        path = shipped if shipped.is_file() else user_maps_dir() / f"{name}.toml"
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise MissingError(
            f"no MIDI map {str(name)!r}: known maps are {', '.join(map_names())}; or give the path of a .toml file"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"MIDI map {path} is not readable as TOML: {error}") from error
    return parse_map(table, path.stem, str(path))


def parse_map(table: dict[str, Any], name: str, source: str) -> MidiMap:
    """The map in a TOML table; `source` is named in errors. Raises InputError."""
    return _Reader(source).map(table, name)


class _Reader:
    """Reads values from tables; its errors name the file and the key."""

    def __init__(self, source: str) -> None:
        self.source = source

    def fail(self, key: str, found: object, expected: str) -> InputError:
        return InputError(f"MIDI map {self.source}: {key} = {found!r}, expected {expected}")

    def keys(self, table: Mapping[str, Any], where: str, known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                raise InputError(f"MIDI map {self.source}: unknown key {where}{key!r}, known are {', '.join(known)}")

    def table(self, table: Mapping[str, Any], key: str) -> dict[str, Any]:
        value = table.get(key, {})
        if not isinstance(value, dict):
            raise self.fail(key, value, "a table")
        return value

    def integer(self, value: Any, key: str, low: int, high: int) -> int:
        if type(value) is not int or not low <= value <= high:
            raise self.fail(key, value, f"a whole number {low}..{high}")
        return value

    def number(self, value: Any, key: str, low: float, high: float) -> float:
        if type(value) not in (int, float) or not low <= value <= high:
            raise self.fail(key, value, f"a number {low:g}..{high:g}")
        return float(value)

    def lane(self, value: Any, key: str) -> int:
        if not isinstance(value, str) or value not in LANE_OF_NAME:
            raise self.fail(key, value, f"one of {', '.join(LANE_OF_NAME)}")
        return LANE_OF_NAME[value]

    def map(self, table: dict[str, Any], name: str) -> MidiMap:
        self.keys(table, "", ("description", "channel", "notes", "write", "velocity", "openness", "choke"))
        description = table.get("description", "")
        if not isinstance(description, str):
            raise self.fail("description", description, "a text")
        notes = self.notes(self.table(table, "notes"))
        openness = self.table(table, "openness")
        choke = self.table(table, "choke")
        self.keys(choke, "choke.", ("aftertouch",))
        controller, open_value, closed_value = self.controller(openness)
        return MidiMap(
            name=name,
            description=description,
            channel=self.integer(table.get("channel", 10), "channel", 1, 16),
            lane_of_note=notes,
            note_of_lane=self.written(notes, self.table(table, "write")),
            velocity=self.velocity(self.table(table, "velocity")),
            controller=controller,
            open_value=open_value,
            closed_value=closed_value,
            openness_of_lane=self.explicit(self.table(openness, "notes")),
            choke_threshold=self.integer(choke["aftertouch"], "choke.aftertouch", 1, 127) if choke else None,
        )

    def notes(self, table: dict[str, Any]) -> dict[int, int]:
        if not table:
            raise InputError(f'MIDI map {self.source}: [notes] is missing or empty, expected lines like 36 = "kick"')
        lanes: dict[int, int] = {}
        for key, value in table.items():
            if not (key.isascii() and key.isdigit() and int(key) <= 127):
                raise self.fail("notes", key, "note numbers 0..127 on the left")
            if int(key) in lanes:
                raise self.fail("notes", key, "each note once")
            lanes[int(key)] = self.lane(value, f"notes.{key}")
        return lanes

    def written(self, notes: dict[int, int], table: dict[str, Any]) -> dict[int, int]:
        first: dict[int, int] = {}
        for note, lane in notes.items():
            first.setdefault(lane, note)
        for key, value in table.items():
            first[self.lane(key, "write")] = self.integer(value, f"write.{key}", 0, 127)
        return first

    def velocity(self, table: dict[str, Any]) -> NDArray[np.float32]:
        self.keys(table, "velocity.", ("gamma", "points"))
        if len(table) == 2:
            raise self.fail("velocity", sorted(table), "either gamma or points")
        if "points" in table:
            curve = self.points(table["points"])
        else:
            curve = _linear_velocity() ** self.number(table.get("gamma", 1.0), "velocity.gamma", 0.1, 10)
        curve = curve.astype(np.float32)
        curve[0] = 0
        if np.any(np.diff(curve) <= 0):
            raise self.fail("velocity", table, "a curve that rises at every velocity 1..127, from above 0")
        return curve

    def points(self, rows: Any) -> NDArray[np.float64]:
        key = "velocity.points"
        if not isinstance(rows, list) or len(rows) < 2 or any(not isinstance(r, list) or len(r) != 2 for r in rows):
            raise self.fail(key, rows, "at least two pairs [MIDI velocity, velocity 0..1]")
        midi = [self.integer(row[0], key, 1, 127) for row in rows]
        values = [self.number(row[1], key, 0, 1) for row in rows]
        if midi[0] != 1 or midi[-1] != 127 or any(b <= a for a, b in pairwise(midi)):
            raise self.fail(key, rows, "MIDI velocities that rise from 1 to 127")
        return np.interp(np.arange(128), midi, values)

    def controller(self, table: dict[str, Any]) -> tuple[int | None, int, int]:
        self.keys(table, "openness.", ("controller", "open", "closed", "notes"))
        if "controller" not in table:
            return None, 0, 127
        open_value = self.integer(table.get("open"), "openness.open", 0, 127)
        closed_value = self.integer(table.get("closed"), "openness.closed", 0, 127)
        if open_value == closed_value:
            raise self.fail("openness.open", open_value, "another value than openness.closed")
        return self.integer(table["controller"], "openness.controller", 0, 119), open_value, closed_value

    def explicit(self, table: dict[str, Any]) -> dict[int, float]:
        hats = ", ".join(ARTICULATIONS[lane].name for lane in HAT_LANES)
        implied: dict[int, float] = {}
        for key, value in table.items():
            lane = self.lane(key, "openness.notes")
            if lane not in HAT_LANES:
                raise self.fail("openness.notes", key, f"one of {hats}")
            implied[lane] = self.number(value, f"openness.notes.{key}", 0, 1)
        return implied
