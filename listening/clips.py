"""Sound files of a listening test, brought to one loudness.

Loudness is integrated loudness in LUFS (ITU-R BS.1770-4, by pyloudnorm): without matching, the louder of two sounds is
preferred. All clips of a test get the same loudness, at most -23 LUFS (EBU R 128) and as much less as keeps every
true sample below -1 dBFS; nothing is limited or compressed.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyloudnorm
import soundfile
from numpy.typing import NDArray

from ghostnote.errors import InputError, MissingError

ENDINGS: Final = (".wav", ".flac", ".ogg", ".aiff", ".aif", ".mp3")
RENDERED: Final = (".mid", ".midi", ".toml")
TARGET_LUFS: Final = -23.0
CEILING_DB: Final = -1.0
SHORTEST: Final = 0.4
"""Seconds: the block of BS.1770."""


@dataclass(frozen=True)
class Level:
    """What level matching needs of a clip."""

    lufs: float
    peak_db: float
    """Largest sample [dBFS]."""


def find_clips(folder: Path) -> dict[str, Path]:
    """Name without ending -> sound file of `folder`, by name; sub-folders are not searched.

    Raises MissingError without the folder or a sound file in it, InputError for two files of one name.
    """
    if not folder.is_dir():
        raise MissingError(f"no folder {folder}: name a folder of sound files")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in ENDINGS:
            continue
        if path.stem in found:
            raise InputError(f"{folder}: {found[path.stem].name} and {path.name} have one name, keep one of them")
        found[path.stem] = path
    if not found:
        drums = next((path for path in sorted(folder.iterdir()) if path.suffix.lower() in RENDERED), None)
        hint = f": render its grooves first, ghostnote render {folder}/*{drums.suffix} -o FOLDER" if drums else ""
        raise MissingError(f"no sound file ({' '.join(ENDINGS)}) in {folder}{hint}")
    return found


def measure_loudness(path: Path) -> Level:
    """Loudness and peak of a sound file. Raises InputError for one that is damaged, too short or silent."""
    audio, rate = read(path)
    if len(audio) < SHORTEST * rate:
        raise InputError(f"{path}: {len(audio) / rate:.2f} s is too short, loudness needs {SHORTEST} s")
    if not np.isfinite(audio).all():
        raise InputError(f"{path} contains samples that are not numbers")
    lufs = float(pyloudnorm.Meter(rate).integrated_loudness(audio)) if np.any(audio) else -np.inf
    if not np.isfinite(lufs):
        raise InputError(f"{path} is silent (below -70 LUFS): take it out of its folder")
    return Level(lufs, float(20 * np.log10(np.abs(audio).max())))


def common_loudness(levels: Sequence[Level]) -> float:
    """The loudness [LUFS] that all clips get."""
    return min(TARGET_LUFS, *(CEILING_DB - (level.peak_db - level.lufs) for level in levels))


def matched_wav(path: Path, level: Level, lufs: float) -> bytes:
    """The clip as a 24-bit WAV file of that loudness."""
    audio, rate = read(path)
    out = io.BytesIO()
    soundfile.write(out, audio * np.float32(10 ** ((lufs - level.lufs) / 20)), rate, "PCM_24", format="WAV")
    return out.getvalue()


def read(path: Path) -> tuple[NDArray[np.float32], int]:
    """Audio [frames, channels] and sample rate; one or two channels. Raises InputError for anything else."""
    try:
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise InputError(f"{path} cannot be read as sound: {error}") from None
    if audio.shape[1] > 2:
        raise InputError(f"{path} has {audio.shape[1]} channels: one or two can be compared")
    return audio.astype(np.float32, copy=False), int(rate)
