"""`ghostnote evaluate strokes`: what the codec alone does to lone strokes, beside Opus."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.workshop.options import DATA, command_line


def strokes(
    data: Annotated[Path, typer.Option(envvar="GHOSTNOTE_DATA", help="Folder with the sampled kits.")] = DATA,
    bundle: Annotated[str | None, typer.Option(help="Bundle whose codec is measured.")] = None,
    unseen: Annotated[
        Path | None,
        typer.Option(
            help="Folder of kits that no training has heard, such as Debian's hydrogen-drumkits.", show_default=False
        ),
    ] = None,
    names: Annotated[str, typer.Option(help="Comma-separated names of these kits; empty: those of GPL licence.")] = "",
    split: Annotated[str, typer.Option(help="test, or validation while choosing.")] = "test",
    out: Annotated[Path, typer.Option(help="Folder of results-strokes.md and .csv.")] = Path("docs/measurements"),
) -> None:
    """Measure lone strokes through the codec and Opus and write results-strokes.md."""
    from itertools import chain

    from evaluation.sound.stroke_report import write_stroke_report
    from studies.strokes import UNSEEN_KITS, held_out_strokes, measure_strokes, round_trips, settings, unseen_strokes

    chosen = tuple(names.split(",")) if names else UNSEEN_KITS if unseen else ()
    found = chain(held_out_strokes(data / "kits", split), unseen_strokes(unseen, chosen) if unseen else ())
    with Console(stderr=True).status("measuring strokes"):
        scores = list(measure_strokes(found, round_trips(bundle)))
    write_stroke_report(scores, out, settings(bundle, command_line(), chosen))
    Console(soft_wrap=True, highlight=False).print(f"{out / 'results-strokes.md'}, {out / 'results-strokes.csv'}")
