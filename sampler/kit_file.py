"""Strict reading of one `kit.toml` (format: "Reading a kit" in the README of the kits): text in, checked values out."""

import tomllib
from dataclasses import dataclass
from typing import Any, Final

from ghostnote.errors import InputError
from ghostnote.music.articulations import ARTICULATIONS, LANE_OF_NAME
from kits.layers import MAX_VELOCITY, KitSummary

VELOCITY_RESPONSES: Final = ("layers", "square")


@dataclass(frozen=True)
class RecordedLayer:
    """Recordings of one articulation that stand for a range of MIDI velocities."""

    velocity_low: int
    velocity_high: int
    reference_velocity: int
    """Velocity 1..127 at which the recordings sound at their own loudness."""
    loudness_db: float
    """RMS of the first 150 ms of the louder channel [dBFS]."""
    samples: tuple[str, ...]
    """File names inside `samples/`, equivalent repetitions."""


@dataclass(frozen=True)
class ArticulationEntry:
    """One articulation of a kit: either its own layers or a reference to another articulation."""

    layers: tuple[RecordedLayer, ...] = ()
    pan: float | None = None
    """-1 left .. 1 right, mono kits only."""
    fallback: str = ""
    fallback_kit: str = ""
    """Kit of the fallback; empty for this kit."""
    gain_db: float = 0.0
    pitch_semitones: float = 0.0


@dataclass(frozen=True)
class KitFile:
    """A checked `kit.toml`."""

    info: KitSummary
    channels: int
    articulations: dict[str, ArticulationEntry]
    """One entry per name of `ghostnote.music.articulations`."""
    choke_groups: tuple[tuple[int, ...], ...]
    """Lanes that silence each other."""


class _Table:
    """A TOML table whose keys are taken one by one; what is wrong or left over is an InputError naming the key."""

    def __init__(self, values: Any, where: str) -> None:
        if not isinstance(values, dict):
            raise InputError(f"{where}: expected a table, found {values!r}")
        self._values: dict[str, Any] = dict(values)
        self.where = where

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def left(self) -> tuple[str, ...]:
        """Keys that have not been taken yet."""
        return tuple(self._values)

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        """The value of `key`, of type `kind` (an int counts as float); `default` if given, for a missing key."""
        if key not in self._values:
            if default is None:
                raise InputError(f"{self.where}: the key '{key}' is missing")
            return default
        value = self._values.pop(key)
        fits = isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool)
        if not fits:
            raise InputError(f"{self.where}: '{key}' should be of type {kind.__name__}, found {value!r}")
        return float(value) if kind is float else value

    def number(self, key: str, kind: type, low: float, high: float, default: Any = None) -> Any:
        """A number `low`..`high`."""
        value = self.take(key, kind, default)
        if not low <= value <= high:
            raise InputError(f"{self.where}: '{key}' should be in {low:g}..{high:g}, found {value!r}")
        return value

    def names(self, key: str) -> tuple[str, ...]:
        """A list of at least one string."""
        values = self.take(key, list)
        if not values or not all(isinstance(value, str) and value for value in values):
            raise InputError(f"{self.where}: '{key}' should be a list of names, found {values!r}")
        return tuple(values)

    def ignore(self, *keys: str) -> None:
        """Keys that document the kit and change nothing of its sound."""
        for key in keys:
            self._values.pop(key, None)

    def done(self) -> None:
        """Every key should have been taken by now."""
        if left := self.left():
            raise InputError(f"{self.where}: unknown key '{left[0]}'")


def parse_kit_file(content: bytes, where: str, kit_id: str) -> KitFile:
    """`kit.toml` as bytes -> checked KitFile. `where` names the file in messages; `kit_id` is its folder's name.

    Raises InputError naming file and key for anything that does not fit.
    """
    try:
        table = _Table(tomllib.loads(content.decode("utf-8")), where)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{where}: not a TOML file: {error}") from error
    info = KitSummary(*(table.take(key, str) for key in ("id", "name", "character", "licence", "author")))
    if info.id != kit_id:
        raise InputError(f"{where}: 'id' should be the folder's name '{kit_id}', found {info.id!r}")
    channels = table.number("channels", int, 1, 2)
    if (response := table.take("velocity_response", str, "layers")) not in VELOCITY_RESPONSES:
        raise InputError(f"{where}: 'velocity_response' should be one of {VELOCITY_RESPONSES}, found {response!r}")
    table.ignore("licence_quote", "licence_quote_file", "sample_rate", "codec", "max_layers", "kit_gain_db")
    table.ignore("kit_gain_remark", "remarks", "sources")
    articulations = _parse_articulations(_Table(table.take("articulations", dict), f"{where}: articulations"), channels)
    groups = _parse_choke_groups(_Table(table.take("choke_groups", dict, {}), f"{where}: choke_groups"))
    table.done()
    return KitFile(info, channels, articulations, groups)


def _parse_choke_groups(table: _Table) -> tuple[tuple[int, ...], ...]:
    groups: list[tuple[int, ...]] = []
    for key in table.left():
        names = table.names(key)
        if unknown := [name for name in names if name not in LANE_OF_NAME]:
            raise InputError(f"{table.where}: '{key}' names the unknown articulation {unknown[0]!r}")
        groups.append(tuple(LANE_OF_NAME[name] for name in names))
    return tuple(groups)


def _parse_articulations(table: _Table, channels: int) -> dict[str, ArticulationEntry]:
    entries: dict[str, ArticulationEntry] = {}
    for articulation in ARTICULATIONS:
        name = articulation.name
        entry = _Table(table.take(name, dict), f"{table.where}.{name}")
        note = entry.take("note", int, articulation.note)
        if note != articulation.note:
            raise InputError(f"{entry.where}: 'note' should be {articulation.note}, found {note}")
        entries[name] = _parse_entry(entry, channels)
    table.done()
    return entries


def _parse_entry(table: _Table, channels: int) -> ArticulationEntry:
    table.ignore("remark", "source_files")
    if ("layers" in table) == ("fallback" in table):
        raise InputError(f"{table.where}: needs either 'layers' or 'fallback'")
    if "layers" in table:
        pan = table.number("pan", float, -1, 1) if "pan" in table else None
        if pan is not None and channels != 1:
            raise InputError(f"{table.where}: 'pan' is for kits of one channel, this one has {channels}")
        rows = table.take("layers", list)
        table.done()
        layers = [_parse_layer(row, f"{table.where}: layer {i + 1}") for i, row in enumerate(rows)]
        _check_layers(layers, table.where)
        return ArticulationEntry(layers=tuple(layers), pan=pan)
    entry = ArticulationEntry(
        fallback=table.take("fallback", str),
        fallback_kit=table.take("fallback_kit", str, ""),
        gain_db=table.number("gain_db", float, -60, 60, 0.0),
        pitch_semitones=table.number("pitch_semitones", float, -24, 24, 0.0),
    )
    table.done()
    if entry.fallback not in LANE_OF_NAME:
        raise InputError(f"{table.where}: 'fallback' names the unknown articulation {entry.fallback!r}")
    return entry


def _parse_layer(row: Any, where: str) -> RecordedLayer:
    table = _Table(row, where)
    layer = RecordedLayer(
        velocity_low=table.number("velocity_low", int, 1, MAX_VELOCITY),
        velocity_high=table.number("velocity_high", int, 1, MAX_VELOCITY),
        reference_velocity=table.number("reference_velocity", int, 1, MAX_VELOCITY),
        loudness_db=table.number("loudness_db", float, -200, 60),
        samples=table.names("samples"),
    )
    table.ignore("peak_db")
    table.done()
    return layer


def _check_layers(layers: list[RecordedLayer], where: str) -> None:
    """Layers cover 1..127 without gaps, their references rise."""
    expected = 1
    for i, layer in enumerate(layers):
        if layer.velocity_low != expected or layer.velocity_high < layer.velocity_low:
            raise InputError(
                f"{where}: layer {i + 1} should begin at velocity {expected}, "
                f"found {layer.velocity_low}..{layer.velocity_high}"
            )
        if i and layer.reference_velocity <= layers[i - 1].reference_velocity:
            raise InputError(f"{where}: 'reference_velocity' of layer {i + 1} should be above that of layer {i}")
        expected = layer.velocity_high + 1
    if expected != MAX_VELOCITY + 1:
        raise InputError(f"{where}: the layers should cover velocities 1..127, found an end at {expected - 1}")
