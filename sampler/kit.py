"""Sampled kits, ready to mix: velocity layers, round-robin recordings and fallbacks of all 22 lanes resolved."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from ghostnote.errors import InputError, MissingError
from ghostnote.music.articulations import ARTICULATIONS
from kits.layers import LAYER, KitSummary
from sampler.files import FolderFiles, PackedFiles
from sampler.kit_file import KitFile, RecordedLayer, parse_kit_file

SAMPLE_RATE: Final = 48000


@dataclass(frozen=True)
class Kit:
    """A kit in memory.

    `layers`: dtype LAYER, by lane and rising velocity; every lane's cover the MIDI velocities 1..127 without gaps.
    `samples`: float32 [frames, 2] each, at `sample_rate`, shared between lanes where one falls back on another.
    `choke_groups`: lanes of which only the last struck one sounds.
    """

    info: KitSummary
    sample_rate: int
    layers: NDArray[np.void] = field(repr=False)
    samples: tuple[NDArray[np.float32], ...] = field(repr=False)
    choke_groups: tuple[tuple[int, ...], ...]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Frames of every sample, [n_samples]."""
        return np.array([len(sample) for sample in self.samples], np.int64)


@dataclass(frozen=True)
class _Source:
    """What a lane plays once its fallbacks are followed."""

    kit: str
    articulation: str
    gain_db: float
    pitch_semitones: float


def load_kit(folder: Path, sample_rate: int = SAMPLE_RATE) -> Kit:
    """Read the kit in `folder` (kit.toml and samples/); kits it borrows from are sibling folders.

    Raises MissingError or InputError naming the file and the key or the sample that is wrong.
    """
    folder = Path(folder).resolve()
    if not folder.is_dir():
        raise MissingError(f"no kit folder {folder}")
    return load_kit_from_files(FolderFiles(folder.parent), folder.name, sample_rate)


def load_kit_from_pack(arrays: Mapping[str, NDArray[np.uint8]], kit_id: str, sample_rate: int = SAMPLE_RATE) -> Kit:
    """The kit `kit_id` from what `pack_kits` returned. Errors as for `load_kit`."""
    return load_kit_from_files(PackedFiles(arrays), kit_id, sample_rate)


def load_kit_from_files(files: Mapping[str, bytes], kit_id: str, sample_rate: int = SAMPLE_RATE) -> Kit:
    """The kit `kit_id` from named files (see `sampler.files`). Errors as for `load_kit`."""
    return _Loader(files, sample_rate).load(kit_id)


def list_kits(folder: Path) -> list[KitSummary]:
    """Kits in `folder` (its sub-folders with a kit.toml), by id. Raises MissingError if there is none."""
    paths = sorted(Path(folder).glob("*/kit.toml"))
    if not paths:
        raise MissingError(f"no kits in {folder}: expected sub-folders with a kit.toml")
    return [parse_kit_file(path.read_bytes(), str(path), path.parent.name).info for path in paths]


def pack_kits(folder: Path, ids: Iterable[str]) -> dict[str, NDArray[np.uint8]]:
    """The files that the kits `ids` in `folder` need, borrowed samples included: name -> bytes as uint8 [size]."""
    files = FolderFiles(Path(folder))
    loader = _Loader(files, SAMPLE_RATE)
    names: dict[str, None] = {}
    for kit_id in ids:
        names.update(dict.fromkeys(loader.needed_files(kit_id)))
    return {name: np.frombuffer(_read(files, name, "a packed kit"), np.uint8) for name in names}


class _Loader:
    """One reading of kits: what several lanes share is read once."""

    def __init__(self, files: Mapping[str, bytes], sample_rate: int) -> None:
        self._files = files
        self._sample_rate = sample_rate
        self._kit_files: dict[str, KitFile] = {}
        self._samples: list[NDArray[np.float32]] = []
        self._layers: dict[tuple[str, str, float], NDArray[np.void]] = {}

    def load(self, kit_id: str) -> Kit:
        kit_file = self._kit_file(kit_id, "the requested kit")
        lanes = [self._lane(lane, self._resolve(kit_id, entry.name)) for lane, entry in enumerate(ARTICULATIONS)]
        return Kit(kit_file.info, self._sample_rate, np.concatenate(lanes), tuple(self._samples), kit_file.choke_groups)

    def needed_files(self, kit_id: str) -> list[str]:
        """Names of all files that `load(kit_id)` reads; the kits it passes through on the way included."""
        names: list[str] = []
        for articulation in ARTICULATIONS:
            source = self._resolve(kit_id, articulation.name)
            layers = self._kit_file(source.kit, kit_id).articulations[source.articulation].layers
            names += [_sample_name(source.kit, file) for layer in layers for file in layer.samples]
        return [_toml_name(kit) for kit in self._kit_files] + names

    def _kit_file(self, kit_id: str, wanted_by: str) -> KitFile:
        if kit_id not in self._kit_files:
            name = _toml_name(kit_id)
            self._kit_files[kit_id] = parse_kit_file(_read(self._files, name, wanted_by), name, kit_id)
        return self._kit_files[kit_id]

    def _resolve(self, kit_id: str, articulation: str) -> _Source:
        """Follow fallbacks from an articulation to recorded layers; gains and pitches add up."""
        source = _Source(kit_id, articulation, 0.0, 0.0)
        seen: set[tuple[str, str]] = set()
        while True:
            where = f"{_toml_name(source.kit)}: articulations.{source.articulation}"
            if (source.kit, source.articulation) in seen:
                raise InputError(f"{where}: 'fallback' leads back to itself")
            seen.add((source.kit, source.articulation))
            entry = self._kit_file(source.kit, f"{kit_id}: articulations.{articulation}").articulations[
                source.articulation
            ]
            if entry.layers:
                return source
            source = _Source(
                entry.fallback_kit or source.kit,
                entry.fallback,
                source.gain_db + entry.gain_db,
                source.pitch_semitones + entry.pitch_semitones,
            )

    def _lane(self, lane: int, source: _Source) -> NDArray[np.void]:
        key = (source.kit, source.articulation, source.pitch_semitones)
        if key not in self._layers:
            kit_file = self._kit_file(source.kit, source.kit)
            entry = kit_file.articulations[source.articulation]
            rows = [self._layer(source, layer, kit_file.channels, entry.pan or 0.0) for layer in entry.layers]
            self._layers[key] = np.array(rows, LAYER)
        layers = self._layers[key].copy()
        layers["lane"], layers["gain_db"] = lane, source.gain_db
        return layers

    def _layer(self, source: _Source, layer: RecordedLayer, channels: int, pan: float) -> tuple[float, ...]:
        first = len(self._samples)
        for file in layer.samples:
            name = _sample_name(source.kit, file)
            content = _read(self._files, name, f"{_toml_name(source.kit)}: articulations.{source.articulation}")
            self._samples.append(_decode(content, name, channels, pan, source.pitch_semitones, self._sample_rate))
        velocities = (0, layer.velocity_low, layer.velocity_high, layer.reference_velocity)
        return (*velocities, layer.loudness_db, 0.0, first, len(layer.samples))


def _toml_name(kit_id: str) -> str:
    return f"{kit_id}/kit.toml"


def _sample_name(kit_id: str, file: str) -> str:
    return f"{kit_id}/samples/{file}"


def _read(files: Mapping[str, bytes], name: str, wanted_by: str) -> bytes:
    try:
        return files[name]
    except KeyError:
        raise MissingError(f"no file {name}, needed by {wanted_by}") from None


def pan_gains(pan: float) -> NDArray[np.float32]:
    """Gains [left, right] of the equal-power law that leaves the centre (pan 0) at unity; pan -1..1."""
    angle = (pan + 1) * np.pi / 4
    return np.sqrt(2) * np.array([np.cos(angle), np.sin(angle)], np.float32)


def _decode(
    content: bytes, name: str, channels: int, pan: float, pitch_semitones: float, sample_rate: int
) -> NDArray[np.float32]:
    """An audio file's bytes as float32 [frames, 2], transposed by `pitch_semitones`."""
    try:
        audio, file_rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise InputError(f"{name}: not an audio file that can be read: {error}") from error
    if audio.shape[1] > channels or not len(audio):
        raise InputError(f"{name}: expected sound of at most {channels} channel(s), found an array {audio.shape}")
    played_at = file_rate * 2 ** (pitch_semitones / 12)
    if played_at != sample_rate:
        audio = soxr.resample(audio, played_at, sample_rate)
    if audio.shape[1] == 1:
        audio = audio * pan_gains(pan)
    return np.ascontiguousarray(audio, np.float32)
