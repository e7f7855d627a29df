"""The page about lone strokes: what each way of storing them loses, on trained and on unseen kits."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from evaluation.bootstrap import mean_interval
from evaluation.sound.metrics import mr_stft_sc
from evaluation.sound.spectra import Audio
from evaluation.sound.strokes import band_distance_db, hop_lines_db, log_spectral_distance_db, steady_lines_kept
from evaluation.tables import markdown, show

LEAD_SECONDS: Final = 0.1
"""Silence that the measures expect before and after a stroke."""
RATE: Final = 48_000
COLUMNS: Final = (
    ("bands_db", "ERB bands off dB ↓", 2),
    ("bias_db", "bias dB → 0", 2),
    ("lines_db", "hop lines dB → reference", 2),
    ("steady", "steady lines kept ↑", 2),
    ("lsd_db", "log-spectral distance dB ↓", 2),
    ("sc", "SC (not ranked)", 3),
)
NOTES: Final = """\
- A value is the mean over strokes, in brackets its 95 % interval from a bootstrap over kits.
- *other recording*: another round-robin of the same stroke instead of the codec. Closer than that nobody can tell.
- Bands: mean absolute difference of 40 ERB band levels in 43 ms frames, within 60 dB of the loudest; bias: the same,
  signed. Hop lines: energy at multiples of 187.5 Hz above its neighbours; what buzzes has 18 dB, recordings about
  1.9. Steady lines: of the 20 strongest lines of the first third of a second the share within 6 dB and 10 dB above its
  surroundings. All are defined in `evaluation/sound/strokes.py`.
- SC punishes a true noise that is drawn anew as much as a wrong one: two recordings of a hat are 0.7 apart.
- *test strokes*: recordings of the trained kits that no training has heard; *unseen kits*: no stroke of them was heard.
"""


@dataclass(frozen=True)
class StrokeScore:
    """What was measured of one stroke of one row."""

    row: str
    group: str
    """Which table it belongs to."""
    kit: str
    articulation: str
    values: Mapping[str, float]


def score_stroke(row: str, group: str, kit: str, articulation: str, audio: Audio, reference: Audio) -> StrokeScore:
    """All measures of one stroke, audio and reference [frames, 2] from the stroke's beginning."""
    lead = round(LEAD_SECONDS * RATE)
    ours, theirs = (np.pad(x, ((lead, lead), (0, 0))) for x in (audio, reference))
    bands, bias = band_distance_db(ours, theirs)
    values = {
        "bands_db": bands,
        "bias_db": bias,
        "lines_db": hop_lines_db(ours),
        "reference_lines_db": hop_lines_db(theirs),
        "steady": steady_lines_kept(ours, theirs),
        "lsd_db": log_spectral_distance_db(ours, theirs),
        "sc": mr_stft_sc(theirs, ours),
    }
    return StrokeScore(row, group, kit, articulation, values)


def write_stroke_report(scores: Sequence[StrokeScore], out: Path, settings: Mapping[str, str]) -> None:
    """Write results-strokes.md and .csv into the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    parts = ["# Lone strokes", "\n".join(f"- {name}: {value}" for name, value in settings.items())]
    for group in dict.fromkeys(score.group for score in scores):
        mine = [score for score in scores if score.group == group]
        kits, strokes = len({s.kit for s in mine}), len({(s.kit, s.articulation) for s in mine})
        parts += [f"## {group}: {kits} kits, {strokes} articulations", _table(mine)]
        parts += [f"### {group}, by articulation: bands off, dB", _by_articulation(mine)]
    parts.append(NOTES)
    (out / "results-strokes.md").write_text("\n\n".join(part.strip() for part in parts) + "\n", "utf-8")
    with (out / "results-strokes.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        names = list(scores[0].values)
        writer.writerow(["row", "group", "kit", "articulation", *names])
        for s in scores:
            writer.writerow([s.row, s.group, s.kit, s.articulation, *(f"{s.values[name]:.4f}" for name in names)])


def _table(scores: Sequence[StrokeScore]) -> str:
    lines = np.mean([score.values["reference_lines_db"] for score in scores])
    rows = [["recording itself", "0", "0", f"{lines:.2f}", "1", "0", "0"]]
    for row in dict.fromkeys(score.row for score in scores):
        cells = [_estimate([s for s in scores if s.row == row], name, decimals) for name, _, decimals in COLUMNS]
        rows.append([row, *cells])
    return markdown(["row", *(heading for _, heading, _ in COLUMNS)], rows)


def _estimate(scores: Sequence[StrokeScore], name: str, decimals: int) -> str:
    known = [s for s in scores if np.isfinite(s.values[name])]
    if not known:
        return "none"
    return show(mean_interval([s.values[name] for s in known], [s.kit for s in known]), decimals)


def _by_articulation(scores: Sequence[StrokeScore]) -> str:
    rows = list(dict.fromkeys(score.row for score in scores))
    table: list[list[str]] = []
    for articulation in sorted({score.articulation for score in scores}):
        mine = [s for s in scores if s.articulation == articulation]
        means = [[s.values["bands_db"] for s in mine if s.row == row] for row in rows]
        table.append([articulation, *(f"{np.mean(values):.2f}" if values else "" for values in means)])
    return markdown(["articulation", *rows], table)
