"""`ghostnote evaluate`: the tables of sound quality, all rows on the same windows of the test split."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from cli.workshop.evaluate_drummers import drummers
from cli.workshop.evaluate_strokes import strokes
from cli.workshop.options import DATA, command_line, parse_names
from studies.sound.rows import ROWS, Sources, possible

Item = TypeVar("Item")

app = typer.Typer(invoke_without_command=True, subcommand_metavar="[strokes|drummers]")
app.command("strokes")(strokes)
app.command("drummers")(drummers)


@app.callback()
def evaluate(
    context: typer.Context,
    data: Annotated[Path, typer.Option(envvar="GHOSTNOTE_DATA", help="Folder with groove, kits and eval.")] = DATA,
    bundle: Annotated[str | None, typer.Option(help="Bundle whose rows are measured.")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Weights of the codec that the paper's networks were trained on.")
    ] = None,
    base: Annotated[Path | None, typer.Option(help="Weights of the paper's Base, trained on that codec.")] = None,
    base_grid: Annotated[Path | None, typer.Option(help="Weights of Base with our grid.")] = None,
    rows: Annotated[str, typer.Option(help=f"Comma-separated, of: {', '.join(ROWS)}; empty for all possible.")] = "",
    keep: Annotated[
        str, typer.Option(help="Comma-separated rows to take from an earlier run instead of measuring them again.")
    ] = "",
    kits: Annotated[str, typer.Option(help="Comma-separated kit ids; empty for all.")] = "",
    windows_per_kit: Annotated[int, typer.Option(min=1, help="Windows of 4 beats measured per kit.")] = 40,
    focus: Annotated[str, typer.Option(help="Row compared with all others window by window.")] = "",
    pictures: Annotated[str, typer.Option(help="Rows in the spectrogram pictures beside the reference.")] = "",
    notes: Annotated[Path, typer.Option(help="Folder of the findings, row by row.")] = Path("runs/sound/findings"),
    out: Annotated[Path, typer.Option(help="Folder for results.md, results.csv and spectrograms/.")] = Path("docs"),
    quick: Annotated[bool, typer.Option("--quick", help="4 windows per kit, dynamics of few strokes.")] = False,
) -> None:
    """Measure rows against the sampled kits on the Groove test split and write docs/results.md and results.csv."""
    if context.invoked_subcommand:
        return
    from evaluation.sound.table import write_results
    from sampler.kit import list_kits
    from studies.findings import FindingStore
    from studies.sound.study import RowFindings, draw, join_rows, keep_rows, measure_rows, set_up, settings_of
    from training.data.groove import groove_performances

    store = FindingStore(notes, RowFindings)
    sources = Sources(data / "kits", bundle, checkpoint, base, base_grid)
    kept = [store.required(name) for name in parse_names(keep, ROWS, "row")]
    skipped = {row.name for row in kept}
    wanted = [name for name in parse_names(rows, ROWS, "row") or possible(sources) if name not in skipped]
    order = [name for name in ROWS if name in skipped or name in wanted]
    if focus:
        parse_names(focus, order, "measured row")
    shown = parse_names(pictures, wanted, "row measured now")
    chosen = [ROWS[name](sources) for name in wanted]
    available = [info.id for info in list_kits(sources.kits)]
    console = Console(stderr=True)
    performances = groove_performances(data)
    with console.status("training the kit classifier"):
        names = parse_names(kits, available, "kit") or available
        bench = set_up(sources, performances, names, windows_per_kit, data / "eval" / "yamnet.tflite", quick)
    measured = measure_rows(chosen, bench, partial(progress, console))
    keep_rows(store, measured, command_line())
    study = join_rows(order, measured, kept, settings_of(sources, command_line(), quick))
    drawn = draw(bench, [row for row in chosen if row.name in shown], out) if shown else []
    with console.status("intervals and tables"):
        write_results(study, out, focus or None, drawn)
    Console(soft_wrap=True, highlight=False).print(f"{out / 'results.md'}, {out / 'results.csv'}")


def progress(console: Console, items: Iterable[Item], what: str, total: int) -> Iterable[Item]:
    """The items, with a bar that shows how many are done."""
    from rich.progress import track

    return track(items, what, total=total, console=console)
