"""`ghostnote evaluate codec`: what the codec alone loses, by kit and by articulation."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.workshop.options import DATA


def codec(
    checkpoint: Annotated[Path, typer.Argument(help="Weights of a codec or of a live predictor, which hold one.")],
    data: Annotated[Path, typer.Option(envvar="GHOSTNOTE_DATA", help="Folder with groove and kits.")] = DATA,
    windows_per_kit: Annotated[int, typer.Option(min=1, help="Windows of 4 beats measured per kit.")] = 12,
    out: Annotated[Path, typer.Option(help="Folder for results-codec.md and results-codec.csv.")] = Path("docs"),
) -> None:
    """Measure a codec's reconstruction on the Groove test split and write docs/results-codec.md."""
    from evaluation.sound.codec_report import write_codec_report
    from studies.codec import measure_codec
    from training.data.groove import groove_performances

    performances = groove_performances(data)
    with Console(stderr=True).status("measuring the codec"):
        study, settings = measure_codec(checkpoint, data / "kits", performances, windows_per_kit)
    write_codec_report(study, out, settings)
    Console(soft_wrap=True, highlight=False).print(f"{out / 'results-codec.md'}, {out / 'results-codec.csv'}")
