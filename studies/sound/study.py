"""The table of sound quality: rows measured now and rows kept from earlier runs, all on the same windows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeVar

from evaluation.machine import machine, versions
from evaluation.sound.depth import row_dynamics, row_joins
from evaluation.sound.dynamics import Dynamics
from evaluation.sound.embedding import Yamnet
from evaluation.sound.joins import Joins
from evaluation.sound.pictures import save_comparison
from evaluation.sound.rows import REFERENCE, AudioModels, Render, Row, WindowScore, score_rows, train_classifier
from evaluation.sound.summary import Study
from evaluation.sound.windows import Window, choose_windows
from ghostnote.errors import InputError
from ghostnote.music.articulations import ARTICULATIONS, N_LANES
from ghostnote.music.performance import Performance
from studies.findings import Finding, FindingStore
from studies.sound.rows import RATE, REFERENCE_SEED, Sources, sampled

SPLIT: Final = "test"
CLASSIFIER_SPLIT: Final = "train"
CLASSIFIER_WINDOWS: Final = 40
QUICK_WINDOWS: Final = 4
QUICK_CLASSIFIER_WINDOWS: Final = 16
QUICK_LANES: Final = ("kick", "snare", "tom_mid")

Item = TypeVar("Item")


class Progress(Protocol):
    """Goes through items and shows how far it is."""

    def __call__(self, items: Iterable[Item], what: str, total: int) -> Iterable[Item]:
        """The items, as they are taken."""
        ...


@dataclass(frozen=True)
class RowFindings:
    """All that was measured of one row."""

    description: str
    scores: list[WindowScore]
    """In the order of the windows."""
    dynamics: dict[str, list[Dynamics]]
    """By kit; empty for a row that is not measured in depth."""
    joins: dict[str, Joins]


@dataclass(frozen=True)
class Bench:
    """What all rows are measured against."""

    reference: Render
    windows: Mapping[str, Sequence[Window]]
    """By kit."""
    models: AudioModels
    quick: bool


def set_up(
    sources: Sources, performances: Sequence[Performance], kits: Sequence[str], count: int, yamnet: Path, quick: bool
) -> Bench:
    """Choose `count` windows for each kit and train the kit classifier on the reference. Raises InputError."""
    count = min(QUICK_WINDOWS, count) if quick else count
    count_for_classifier = QUICK_CLASSIFIER_WINDOWS if quick else CLASSIFIER_WINDOWS
    embed = Yamnet(yamnet)
    windows = {kit: choose_windows(performances, kit, count, RATE, SPLIT) for kit in kits}
    training = {kit: choose_windows(performances, kit, count_for_classifier, RATE, CLASSIFIER_SPLIT) for kit in kits}
    reference = sampled(sources, REFERENCE_SEED)
    return Bench(reference, windows, AudioModels(embed, train_classifier(reference, training, RATE)), quick)


def measure_rows(rows: Sequence[Row], bench: Bench, progress: Progress) -> dict[str, RowFindings]:
    """Scores of all windows, then dynamics and joins of the rows measured in depth; the reference first."""
    total = sum(map(len, bench.windows.values())) * (len(rows) + 1)
    scoring = score_rows(rows, bench.reference, bench.windows, RATE, bench.models)
    scores: dict[str, list[WindowScore]] = {}
    for score in progress(scoring, "measuring windows", total):
        scores.setdefault(score.row, []).append(score)
    lanes = [i for i in range(N_LANES) if not bench.quick or ARTICULATIONS[i].name in QUICK_LANES]
    everything = (Row(REFERENCE, bench.reference, "", in_depth=True), *rows)
    found = {row.name: RowFindings(row.description, scores[row.name], {}, {}) for row in everything}
    jobs = [(row, kit) for kit in bench.windows for row in everything if row.in_depth]
    for row, kit in progress(jobs, "dynamics and joins", len(jobs)):
        found[row.name].dynamics[kit] = row_dynamics(row.render, kit, RATE, lanes)
        found[row.name].joins[kit] = row_joins(row.render, kit, bench.windows[kit][0].performance, RATE)
    return found


def keep_rows(store: FindingStore[RowFindings], found: Mapping[str, RowFindings], command: str) -> None:
    """Keep what was measured now, row by row."""
    for name, row in found.items():
        store.keep(name, row, command)


def join_rows(
    order: Sequence[str],
    measured: Mapping[str, RowFindings],
    kept: Sequence[Finding[RowFindings]],
    settings: dict[str, str],
) -> Study:
    """The study of the rows in this `order`. Raises InputError for a kept row of other windows or measures."""
    for row in kept:
        check_fits(row, measured[REFERENCE])
    rows = {**measured, **{row.name: row.value for row in kept}}
    names = [REFERENCE, *order]
    if kept:
        origins = "; ".join(f"{row.name} {row.origin}" for row in kept)
        settings = {**settings, "kept from earlier runs": origins}
    return Study(
        {name: rows[name].description for name in order},
        [score for name in names for score in rows[name].scores],
        settings,
        {(name, kit): entries for name in names for kit, entries in rows[name].dynamics.items()},
        {(name, kit): joins for name in names for kit, joins in rows[name].joins.items()},
    )


def check_fits(row: Finding[RowFindings], reference: RowFindings) -> None:
    """Raises InputError unless the kept row was measured on the reference's windows by the same measures."""

    def what(scores: Sequence[WindowScore]) -> list[tuple[str, str, int, frozenset[str]]]:
        return [(score.kit, score.performance, score.start, frozenset(score.values)) for score in scores]

    if what(row.value.scores) != what(reference.scores):
        raise InputError(
            f"row {row.name} was kept from other windows or measures ({row.origin}): measure it again, or ask for the "
            "kits and windows of that run"
        )


def draw(bench: Bench, rows: Sequence[Row], out: Path) -> list[str]:
    """One spectrogram picture per kit, of its first window; returns paths relative to `out`."""
    paths: list[str] = []
    for kit, (window, *_) in bench.windows.items():
        renders = [(REFERENCE, bench.reference), *((row.name, row.render) for row in rows)]
        panels = [(name, render(window.performance, kit, window.start, window.stop)) for name, render in renders]
        title = f"{kit}: {window.performance.name}, {window.start / RATE:.1f} s"
        save_comparison(out / "spectrograms" / f"{kit}.png", title, panels, RATE)
        paths.append(f"spectrograms/{kit}.png")
    return paths


def settings_of(sources: Sources, command: str, quick: bool) -> dict[str, str]:
    """The machine and the choices that the tables depend on."""
    return {
        "command": f"`{command}`" + (": few windows, wide intervals" if quick else ""),
        "audio": f"{RATE} Hz, stereo, windows of 4 beats at the nominal tempo, 2 s of music or more before each",
        "music": f"Groove MIDI Dataset, {SPLIT} split, kind beat",
        "truth": f"the sampled kits, mixed sample-accurately, round-robins of seed {REFERENCE_SEED}",
        "bundle": sources.bundle or "none",
        "machine": machine(),
        "packages": versions("numpy", "scipy", "mir_eval", "scikit-learn"),
    }
