"""Training windows of single strokes: the recordings of kits as they are, and without what rings in them.

Windows are made from (seed, index) alone, so that a resumed training continues with those it would have seen. A stroke
begins at the window's start, seldom inside; often a second one follows. Pitch (by resampling), level, polarity, sides
and a smooth equaliser vary.
"""

import io
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import soundfile
import soxr
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from codec.bands import SAMPLE_RATE, erb_rate
from codec.frames import HOP
from codec.modes import dequantise, encode_modes, mid_side, sound_modes
from ghostnote.errors import InputError, MissingError

Floats = NDArray[np.float32]

SPLITS: Final = ("train", "validation", "test")
HELD_OUT: Final = Path(__file__).with_name("held_out.toml")
LONGEST_SECONDS: Final = 5.0
EQUALISER_POINTS: Final = 10
KIT_BALANCE: Final = 0.6
"""A kit of n strokes is heard n ** (1 - KIT_BALANCE) times as often as one of a single stroke."""


@dataclass(frozen=True)
class StrokeWindowConfig:
    """Table [window] of a codec recipe."""

    hops: int = 192
    onset_share: float = 0.75
    """Share of windows in which the stroke begins at the start; in the others it is already under way."""
    second_share: float = 0.4
    semitones: float = 4.0
    equaliser_db: float = 3.0


class StrokeBatch(NamedTuple):
    """Mid and side of what is heard and of what is left without its modes, [B, 2, hops * HOP] each."""

    audio: torch.Tensor
    rest: torch.Tensor


@dataclass(frozen=True)
class RecordedStroke:
    """One recording."""

    kit: str
    split: str
    both: NDArray[np.int16]
    """Mid and side, then mid and side without modes, [frames, 4], 16 bits."""


def held_out() -> dict[str, str]:
    """KIT/FILE -> split of the recordings that are not trained on."""
    table = tomllib.loads(HELD_OUT.read_text("utf-8"))
    return {name: split for split, names in table.items() for name in names}


def recordings(files: Mapping[str, bytes]) -> Iterator[tuple[str, str, str, bytes]]:
    """(kit, file, split, content) of all recordings in files named KIT/samples/FILE (`sampler.files`)."""
    splits = held_out()
    for name in sorted(files):
        kit, _, file = name.partition("/samples/")
        if file:
            yield kit, file, splits.get(f"{kit}/{file}", SPLITS[0]), files[name]


def strokes_of(files: Mapping[str, bytes]) -> Iterator[RecordedStroke]:
    """All recordings, decoded; takes half a second each, for the modes."""
    for kit, _, split, content in recordings(files):
        yield RecordedStroke(kit, split, with_rest(decode(content)))


def decode(content: bytes) -> Floats:
    """An audio file at 48 kHz as [frames, 2]."""
    found, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    audio = np.asarray(found if rate == SAMPLE_RATE else soxr.resample(found, rate, SAMPLE_RATE), np.float32)
    return np.repeat(audio, 2, axis=1) if audio.shape[1] == 1 else audio[:, :2]


def with_rest(audio: Floats) -> NDArray[np.int16]:
    """audio [frames, 2] left, right -> `RecordedStroke.both`."""
    sound = mid_side(audio[: round(LONGEST_SECONDS * SAMPLE_RATE)])
    rest = sound - sound_modes(dequantise(encode_modes(sound)), len(sound))
    return np.rint(np.clip(np.concatenate([sound, rest], axis=1), -1, 1) * 32767).astype(np.int16)


def save_strokes(path: Path, strokes: Sequence[RecordedStroke]) -> None:
    """Write strokes as one .npz, so that modes are found once."""
    arrays: dict[str, Any] = {
        "kit": np.array([stroke.kit for stroke in strokes]),
        "split": np.array([stroke.split for stroke in strokes]),
        "length": np.array([len(stroke.both) for stroke in strokes]),
        "both": np.concatenate([stroke.both for stroke in strokes]),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)


def load_strokes(path: Path) -> list[RecordedStroke]:
    """What `save_strokes` wrote. Raises MissingError, InputError."""
    if not path.is_file():
        raise MissingError(f"no packed strokes {path}: make them with `ghostnote data strokes`")
    arrays: Mapping[str, NDArray[Any]] = np.load(path, allow_pickle=False)
    if "both" not in arrays:
        raise InputError(f"{path} does not hold strokes: make them with `ghostnote data strokes`")
    parts = np.split(arrays["both"], np.cumsum(arrays["length"])[:-1])
    names = zip(arrays["kit"].tolist(), arrays["split"].tolist(), parts, strict=True)
    return [RecordedStroke(kit, split, both) for kit, split, both in names]


class StrokeSource:
    """Makes windows from strokes; satisfies `BatchSource`."""

    def __init__(self, strokes: Sequence[RecordedStroke], config: StrokeWindowConfig, *, vary: bool = True) -> None:
        """`vary`: False gives each stroke in turn, from its beginning and as it is."""
        if not strokes:
            raise InputError("no strokes to train on")
        self.strokes, self.config, self.vary = strokes, config, vary
        count = {kit: sum(one.kit == kit for one in strokes) for kit in {one.kit for one in strokes}}
        chance = np.array([count[one.kit] ** -KIT_BALANCE for one in strokes])
        self._chance = chance / chance.sum()

    @property
    def sample_rate(self) -> int:
        """Frames per second of the audio."""
        return SAMPLE_RATE

    def batch(self, seed: int, first: int, size: int) -> StrokeBatch:
        """Windows `first` .. `first + size`."""
        make = self._varied if self.vary else self._plain
        windows = np.stack([make(seed, first + n) for n in range(size)])
        both = torch.from_numpy(windows).transpose(1, 2)
        return StrokeBatch(both[:, :2].contiguous(), both[:, 2:].contiguous())

    def _plain(self, _seed: int, index: int) -> Floats:
        return _fit(_floats(self.strokes[index % len(self.strokes)].both), self.config.hops * HOP)

    def _varied(self, seed: int, index: int) -> Floats:
        rng, frames = np.random.default_rng((seed, index)), self.config.hops * HOP
        onset = rng.random() < self.config.onset_share
        window = _fit(self._stroke(rng, frames, whole=onset), frames)
        if rng.random() < self.config.second_share:
            at = int(rng.integers(frames // 8, frames * 3 // 4)) // HOP * HOP
            window[at:] += _fit(self._stroke(rng, frames, whole=True), frames - at)
        window = _equalise(window, self.config.equaliser_db * rng.standard_normal(EQUALISER_POINTS))
        return window / np.float32(max(1.0, float(np.abs(window[:, :2]).sum(axis=1).max())))

    def _stroke(self, rng: Generator, frames: int, *, whole: bool) -> Floats:
        """A stroke with all its variations but the equaliser, [any, 4]."""
        sound = _floats(self.strokes[int(rng.choice(len(self.strokes), p=self._chance))].both)
        if not whole and len(sound) > frames // 2:
            sound = sound[int(rng.integers(max(1, len(sound) - frames // 4))) :]
        if rng.random() < 0.5:
            ratio = 2 ** (rng.uniform(-self.config.semitones, self.config.semitones) / 12)
            sound = _transpose(sound[: round(frames * 1.3)], ratio)
        if rng.random() < 0.3:
            sound = sound * np.array([1, -1, 1, -1], np.float32)  # the sides change places
        level = 10 ** (rng.uniform(-15, 3) / 20) * rng.choice([-1, 1])
        return sound[:frames] * np.float32(level)


def _floats(both: NDArray[np.int16]) -> Floats:
    return both.astype(np.float32) / np.float32(32768)


def _fit(sound: Floats, frames: int) -> Floats:
    """The first `frames`, silence where the sound is shorter; a copy."""
    out = np.zeros((frames, sound.shape[1]), np.float32)
    out[: len(sound)] = sound[:frames]
    return out


def _transpose(sound: Floats, ratio: float) -> Floats:
    """Played `ratio` times as fast, by linear interpolation: a filter more that the codec may hear."""
    at = np.arange(int((len(sound) - 1) / ratio)) * ratio
    first = at.astype(np.int64)
    share = (at - first).astype(np.float32)[:, None]
    return np.asarray(sound[first] * (1 - share) + sound[first + 1] * share, np.float32)


def _equalise(window: Floats, gains_db: NDArray[np.float64]) -> Floats:
    """Gains at points equally spaced in ERBs, straight in between."""
    hz = np.fft.rfftfreq(len(window), 1 / SAMPLE_RATE)
    points = np.linspace(0, erb_rate(np.array([SAMPLE_RATE / 2]))[0], len(gains_db))
    gains = 10 ** (np.interp(erb_rate(hz), points, gains_db) / 20)
    return np.fft.irfft(np.fft.rfft(window, axis=0) * gains[:, None], len(window), axis=0).astype(np.float32)
