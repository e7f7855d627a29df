"""`ghostnote evaluate`: the tables of sound quality, all rows on the same windows of the test split."""

import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from cli.evaluate_codec import codec
from cli.evaluate_drummers import drummers
from cli.evaluation_rows import RATE, REFERENCE_SEED, ROWS, Sources, possible, sampled
from cli.groove_data import DATA, groove_performances

if TYPE_CHECKING:
    from evaluation.rows import Ears, Render, Row
    from evaluation.summary import Study
    from evaluation.windows import Window

SPLIT: Final = "test"
CLASSIFIER_SPLIT: Final = "train"

app = typer.Typer(invoke_without_command=True, subcommand_metavar="[codec|drummers]")
app.command("codec")(codec)
app.command("drummers")(drummers)


@app.callback()
def evaluate(
    context: typer.Context,
    data: Annotated[Path, typer.Option(envvar="GHOSTNOTE_DATA", help="Folder with groove, kits and eval.")] = DATA,
    bundle: Annotated[str | None, typer.Option(help="Bundle whose rows are measured.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Weights whose codec gives the row oracle.")] = None,
    base: Annotated[Path | None, typer.Option(help="Weights of the paper's Base, trained on that codec.")] = None,
    base_grid: Annotated[Path | None, typer.Option(help="Weights of Base with our grid.")] = None,
    rows: Annotated[str, typer.Option(help=f"Comma-separated, of: {', '.join(ROWS)}; empty for all possible.")] = "",
    kits: Annotated[str, typer.Option(help="Comma-separated kit ids; empty for all.")] = "",
    windows_per_kit: Annotated[int, typer.Option(min=1, help="Windows of 4 beats measured per kit.")] = 40,
    focus: Annotated[str, typer.Option(help="Row compared with all others window by window.")] = "",
    pictures: Annotated[str, typer.Option(help="Rows in the spectrogram pictures beside the reference.")] = "",
    out: Annotated[Path, typer.Option(help="Folder for results.md, results.csv and spectrograms/.")] = Path("docs"),
    quick: Annotated[bool, typer.Option("--quick", help="4 windows per kit, dynamics of few strokes.")] = False,
) -> None:
    """Measure rows against the sampled kits on the Groove test split and write docs/results.md and results.csv."""
    if context.invoked_subcommand:
        return
    from evaluation.embedding import Yamnet
    from evaluation.rows import Ears, train_classifier
    from evaluation.table import write_results
    from evaluation.windows import choose_windows
    from sampler.kit import list_kits

    count = min(4, windows_per_kit) if quick else windows_per_kit
    sources = Sources(data / "kits", bundle, checkpoint, base, base_grid)
    chosen = [ROWS[name](sources) for name in known(rows, ROWS, "row") or possible(sources)]
    shown = known(pictures, [row.name for row in chosen], "measured row")
    if focus:
        known(focus, [row.name for row in chosen], "measured row")
    available = [info.id for info in list_kits(sources.kits)]
    wanted = known(kits, available, "kit") or available
    embed = Yamnet(data / "eval" / "yamnet.tflite")
    performances = groove_performances(data)
    windows = {kit: choose_windows(performances, kit, count, RATE, SPLIT) for kit in wanted}
    lessons = {kit: choose_windows(performances, kit, 16 if quick else 40, RATE, CLASSIFIER_SPLIT) for kit in wanted}
    reference = sampled(sources, REFERENCE_SEED)
    console = Console(stderr=True)
    with console.status("training the kit classifier"):
        ears = Ears(embed, train_classifier(reference, lessons, RATE))
    study = measure(chosen, reference, windows, ears, quick, console)
    study.settings.update(settings(sources, quick))
    drawn = draw(reference, [row for row in chosen if row.name in shown], windows, out) if shown else []
    with console.status("intervals and tables"):
        write_results(study, out, focus or None, drawn)
    Console(soft_wrap=True, highlight=False).print(f"{out / 'results.md'}, {out / 'results.csv'}")


def known(names: str, allowed: Iterable[str], what: str) -> list[str]:
    """The comma-separated `names`; raises InputError when one is not `allowed`."""
    from ghostnote.errors import InputError

    allowed = list(allowed)
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in allowed:
            raise InputError(f"no {what} {name!r}: choose from {', '.join(allowed)}")
    return wanted


def measure(
    rows: "Sequence[Row]",
    reference: "Render",
    windows: "dict[str, list[Window]]",
    ears: "Ears",
    quick: bool,
    console: Console,
) -> "Study":
    """Scores of all windows, then dynamics and joins of the rows measured in depth and of the reference."""
    from rich.progress import track

    from evaluation.depth import row_dynamics, row_joins
    from evaluation.rows import REFERENCE, score_rows
    from evaluation.summary import Study
    from ghostnote.music.articulations import ARTICULATIONS, N_LANES

    total = sum(map(len, windows.values())) * (len(rows) + 1)
    scoring = score_rows(rows, reference, windows, RATE, ears)
    study = Study(rows, list(track(scoring, "measuring windows", total=total, console=console)), {})
    lanes = [i for i in range(N_LANES) if not quick or ARTICULATIONS[i].name in ("kick", "snare", "tom_mid")]
    deep = [(REFERENCE, reference), *((row.name, row.render) for row in rows if row.in_depth)]
    jobs = [(name, render, kit) for kit in windows for name, render in deep]
    for name, render, kit in track(jobs, "dynamics and joins", console=console):
        study.dynamics[name, kit] = row_dynamics(render, kit, RATE, lanes)
        study.joins[name, kit] = row_joins(render, kit, windows[kit][0].performance, RATE)
    return study


def draw(reference: "Render", rows: "Sequence[Row]", windows: "dict[str, list[Window]]", out: Path) -> list[str]:
    """One spectrogram picture per kit, of its first window; returns paths relative to `out`."""
    from evaluation.pictures import save_comparison
    from evaluation.rows import REFERENCE

    paths: list[str] = []
    for kit, (window, *_) in windows.items():
        renders = [(REFERENCE, reference), *((row.name, row.render) for row in rows)]
        panels = [(name, render(window.performance, kit, window.start, window.stop)) for name, render in renders]
        title = f"{kit}: {window.performance.name}, {window.start / RATE:.1f} s"
        save_comparison(out / "spectrograms" / f"{kit}.png", title, panels, RATE)
        paths.append(f"spectrograms/{kit}.png")
    return paths


def settings(sources: Sources, quick: bool) -> dict[str, str]:
    """The machine and the choices that the tables depend on."""
    from importlib.metadata import version

    from cli.machine import machine

    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "mir_eval", "scikit-learn"))
    return {
        "command": f"`{shlex.join(['ghostnote', *sys.argv[1:]])}`" + (": few windows, wide intervals" if quick else ""),
        "audio": f"{RATE} Hz, stereo, windows of 4 beats at the nominal tempo, 2 s of music or more before each",
        "music": f"Groove MIDI Dataset, {SPLIT} split, kind beat",
        "truth": f"the sampled kits, mixed sample-accurately, round-robins of seed {REFERENCE_SEED}",
        "bundle": sources.bundle or "none",
        "machine": machine(),
        "packages": packages,
    }
