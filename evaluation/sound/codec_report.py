"""What a codec alone loses: reconstruction by kit and by articulation, and whether every codebook earns its bits."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evaluation.bootstrap import Estimate, mean_interval
from evaluation.sound.codebooks import perplexities
from evaluation.sound.depth import stroke
from evaluation.sound.metrics import mr_stft_sc
from evaluation.sound.rows import Render
from evaluation.sound.spectra import Audio, Floats, magnitudes, mel_filters, mono, power_db
from evaluation.sound.windows import Window
from ghostnote.music.articulations import ARTICULATIONS, N_LANES

MEL: Final = (2048, 512, 80, 30.0, 16_000.0)
"""Frame, hop [samples], bands, lowest and highest frequency [Hz] of the mel distance."""
MEL_FLOOR: Final = 1e-5
VELOCITIES: Final = (0.3, 0.6, 1.0)
STROKE_SECONDS: Final = 1.2
FAIR_SHARE: Final = 1 / 3
"""A book earns its bits if its perplexity is at least this share of its size."""

RoundTrip = Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.int64]]]
"""Audio [frames, 2] -> its reconstruction [frames, 2] and its codes [rows, books]."""


class Measure(NamedTuple):
    """Spectral convergence, mel distance [dB] and level error [dB] of one clip."""

    sc: float
    mel_db: float
    level_db: float


@dataclass(frozen=True)
class CodecClip:
    """One clip: `group` is its kit's id or its articulation's name, `source` its performance."""

    group: str
    source: str
    measure: Measure


@dataclass(frozen=True)
class CodecStudy:
    """Everything that was measured of a codec."""

    kits: list[CodecClip]
    articulations: list[CodecClip]
    codes: NDArray[np.int64]
    """Codes of all kit clips [rows, books]."""
    codebook_size: int
    rows_per_second: float


@lru_cache(maxsize=4)
def _filters(rate: int) -> Floats:
    size, _, bands, low, high = MEL
    return mel_filters(rate, size, bands, low, high)


def mel_distance(reference: Audio, rendered: Audio, rate: int) -> float:
    """Mean absolute difference of mel magnitudes [dB] over bands and frames, mono, floor 1e-5 of a full-scale sine."""
    size, hop, *_ = MEL
    scale = 2 / np.hanning(size).sum()
    a, b = (magnitudes(mono(x), size, hop) @ _filters(rate).T * scale for x in (reference, rendered))
    return float(np.abs(20 * np.log10((a + MEL_FLOOR) / (b + MEL_FLOOR))).mean())


def measure_clip(reference: Audio, rendered: Audio, rate: int) -> Measure:
    """All measures of one clip, both [frames, 2]."""
    level = power_db(mono(rendered)) - power_db(mono(reference))
    return Measure(mr_stft_sc(reference, rendered), mel_distance(reference, rendered, rate), level)


def strokes(reference: Render, kits: Sequence[str], rate: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Articulation and its sound alone at three velocities, of every kit."""
    for lane in range(N_LANES):
        for kit in kits:
            for velocity in VELOCITIES:
                yield ARTICULATIONS[lane].name, reference(stroke(lane, velocity), kit, 0, round(STROKE_SECONDS * rate))


def study_codec(
    round_trip: RoundTrip, reference: Render, windows: dict[str, list[Window]], rate: int, codebook_size: int, hop: int
) -> CodecStudy:
    """Run all windows of all kits and all single strokes through the codec. Silent strokes are left out."""
    clips: list[CodecClip] = []
    codes: list[NDArray[np.int64]] = []
    for kit, chosen in windows.items():
        for window in chosen:
            audio = reference(window.performance, kit, window.start, window.stop)
            rendered, found = round_trip(audio)
            codes.append(found)
            clips.append(CodecClip(kit, window.performance.name, measure_clip(audio, rendered, rate)))
    alone = [
        CodecClip(name, name, measure_clip(audio, round_trip(audio)[0], rate))
        for name, audio in strokes(reference, list(windows), rate)
        if np.abs(audio).max() > 1e-3
    ]
    return CodecStudy(clips, alone, np.concatenate(codes), codebook_size, rate / hop)


def _cells(clips: Sequence[CodecClip]) -> list[Estimate]:
    sources = [clip.source for clip in clips]
    return [mean_interval([clip.measure[i] for clip in clips], sources) for i in range(len(Measure._fields))]


def _table(title: str, clips: Sequence[CodecClip], intervals: bool) -> list[str]:
    lines = [f"| {title} | clips | SC ↓ | mel distance dB ↓ | level dB → 0 |", "|---|---|---|---|---|"]
    groups = {"all": list(clips)} | {
        g: [c for c in clips if c.group == g] for g in dict.fromkeys(c.group for c in clips)
    }
    for group, members in groups.items():
        cells = zip(_cells(members), (3, 2, 2), strict=True)
        texts = [f"{e.value:.{d}f}" + (f" [{e.low:.{d}f}, {e.high:.{d}f}]" if intervals else "") for e, d in cells]
        lines.append(f"| {group} | {len(members)} | {' | '.join(texts)} |")
    return [*lines, ""]


def _books(study: CodecStudy) -> list[str]:
    found = perplexities(study.codes, study.codebook_size)
    nominal = np.log2(study.codebook_size) * len(found) * study.rows_per_second
    used = float(np.log2(found).sum()) * study.rows_per_second
    poor = int((found < FAIR_SHARE * study.codebook_size).sum())
    verdict = f"{poor} do not" if poor else "all do"
    return [
        f"| book | {' | '.join(str(k + 1) for k in range(len(found)))} |",
        f"|---|{'---|' * len(found)}",
        f"| perplexity of {study.codebook_size} | {' | '.join(f'{p:.0f}' for p in found)} |",
        "",
        f"{nominal / 1000:.2f} kbit/s as sent, {used / 1000:.2f} kbit/s by the entropy of each book on "
        f"{len(study.codes)} rows. A book earns its bits at a perplexity of a third of its size: {verdict}.",
        "",
    ]


def write_codec_report(study: CodecStudy, folder: Path, settings: dict[str, str]) -> None:
    """Write results-codec.md and results-codec.csv into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    size, hop, bands, low, high = MEL
    text = [
        "# The codec alone",
        "",
        *(f"- {name}: {value}" for name, value in settings.items()),
        f"- mel distance: mean absolute difference in dB of {bands} mel bands, {low:g}-{high:g} Hz, frames of "
        f"{size}, hop {hop}",
        "",
        "## By kit",
        "",
        "Windows of 4 beats of unseen performances; in brackets 95 % intervals by bootstrap over performances.",
        "",
        *_table("kit", study.kits, intervals=True),
        "## By articulation",
        "",
        f"Single strokes at velocities {', '.join(f'{v:g}' for v in VELOCITIES)} on every kit that has them.",
        "",
        *_table("articulation", study.articulations, intervals=False),
        "## Codebooks",
        "",
        *_books(study),
    ]
    (folder / "results-codec.md").write_text("\n".join(text))
    with (folder / "results-codec.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["kind", "group", "source", *Measure._fields])
        for kind, clips in (("kit", study.kits), ("articulation", study.articulations)):
            writer.writerows([kind, c.group, c.source, *(f"{v:.5f}" for v in c.measure)] for c in clips)
