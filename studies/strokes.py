"""Lone strokes through the codec and its peers: held-out recordings of trained kits, and kits no training heard."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from codec.bands import SAMPLE_RATE
from codec.decoder import StrokeDecoder, stroke_codes
from codec.encoder import StrokeEncoder
from evaluation.sound.opus import opus_round_trip
from evaluation.sound.stroke_report import StrokeScore, score_stroke
from ghostnote.files.bundle import bundle_folder, load_manifest
from sampler.files import FolderFiles
from training.data.strokes import decode, recordings

Audio = NDArray[np.float32]
RoundTrip = Callable[[Audio], Audio]

LONGEST_FRAMES: Final = 100_000
"""So much of a stroke is measured (2.1 s)."""
SHORTEST_FRAMES: Final = 2_048
OPUS_KBPS: Final = (12, 24, 48)
OTHER: Final = "other recording"
UNSEEN_KITS: Final = (
    "ColomboAcousticDrumkit",
    "ElectricEmpireKit",
    "ForzeeStereo",
    "HardElectro1",
    "Millo-Drums_v.1",
    "Millo_MultiLayered2",
    "Millo_MultiLayered3",
    "VariBreaks",
)
"""Kits of Debian's package hydrogen-drumkits under the GPL: for tests only, never trained on."""


@dataclass(frozen=True)
class Recording:
    """A recorded stroke to be measured."""

    group: str
    kit: str
    articulation: str
    audio: Audio
    other: Audio | None = None
    """Another recording of the same stroke."""


def held_out_strokes(kits: Path, split: str = "test") -> Iterator[Recording]:
    """The trained kits' recordings of a split."""
    for kit, same in groupby(recordings(FolderFiles(kits)), key=lambda row: row[0]):
        rows = [(file, mine, content) for _, file, mine, content in same]
        for file, mine, content in rows:
            if mine == split:
                others = [c for name, _, c in rows if name != file and layer_of(name) == layer_of(file)]
                other = decode(others[0]) if others else None
                yield Recording(f"{split} strokes", kit, articulation_of(file), decode(content), other)


def unseen_strokes(folder: Path, names: Iterable[str]) -> Iterator[Recording]:
    """All sounds of the kits `names` in `folder`."""
    for name in names:
        for path in sorted((folder / name).rglob("*")):
            if path.suffix.lower() in (".wav", ".flac", ".aif", ".aiff", ".ogg", ".opus"):
                try:
                    audio = decode(path.read_bytes())
                except soundfile.LibsndfileError:
                    continue
                yield Recording("unseen kits", name, "any", audio)


def articulation_of(file: str) -> str:
    """snare_rim_v2_r1.opus -> snare_rim."""
    return file.partition("_v")[0]


def layer_of(file: str) -> str:
    """snare_rim_v2_r1.opus -> snare_rim_v2."""
    return file.rpartition("_r")[0]


class CodecRoundTrip:
    """A bundle's encoder and decoder."""

    def __init__(self, bundle: str | None, seed: int = 0) -> None:
        """Raises MissingError, BundleError."""
        folder = bundle_folder(bundle)
        manifest = load_manifest(folder)
        self.name = manifest.name
        self._encoder = StrokeEncoder(folder / manifest.graph("encoder").file)
        self._decoder = StrokeDecoder(folder / manifest.graph("decoder").file)
        self._random = np.random.default_rng(seed)

    def __call__(self, audio: Audio) -> Audio:
        """audio [frames, 2] -> the same length."""
        codes, modes = self._encoder.encode(audio)
        stroke = stroke_codes(codes, modes)
        self._decoder.reset()
        places = self._random.integers(512, size=2)
        self._decoder.begin([self._decoder.add(stroke, (int(places[0]), int(places[1])))])
        parts = [self._decoder.decode(min(16, stroke.hops - first))[0] for first in range(0, stroke.hops, 16)]
        self._decoder.reset()
        return np.concatenate(parts)[: len(audio)]


def opus_at(kilobits: int) -> RoundTrip:
    """Opus at so many kbit/s."""
    return lambda audio: opus_round_trip(audio, kilobits)


def round_trips(bundle: str | None) -> dict[str, RoundTrip]:
    """The rows by name."""
    rows: dict[str, RoundTrip] = {f"Opus {kbps} kbit/s": opus_at(kbps) for kbps in OPUS_KBPS}
    codec = CodecRoundTrip(bundle)
    return {**rows, codec.name: codec}


def measure_strokes(strokes: Iterable[Recording], rows: Mapping[str, RoundTrip]) -> Iterator[StrokeScore]:
    """Scores of every row, and of another recording where there is one."""
    for one in strokes:
        if len(one.audio) < SHORTEST_FRAMES or np.abs(one.audio).max() < 1e-3:
            continue
        truth = one.audio[:LONGEST_FRAMES]
        if one.other is not None:
            other = np.pad(one.other, ((0, max(0, len(truth) - len(one.other))), (0, 0)))[: len(truth)]
            yield score_stroke(OTHER, one.group, one.kit, one.articulation, other, truth)
        for name, through in rows.items():
            yield score_stroke(name, one.group, one.kit, one.articulation, through(truth), truth)


def settings(bundle: str | None, command: str, unseen: Iterable[str]) -> dict[str, str]:
    """What the page depends on."""
    from evaluation.machine import machine

    return {
        "command": f"`{command}`",
        "bundle": bundle or "the default",
        "sound": f"{SAMPLE_RATE} Hz stereo, the first {LONGEST_FRAMES / SAMPLE_RATE:.1f} s of each stroke",
        "unseen kits": ", ".join(unseen) or "none given",
        "machine": machine(),
    }
