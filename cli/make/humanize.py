"""`ghostnote humanize`: a quantised file, as a drummer would play it."""

from pathlib import Path
from typing import Annotated

import typer

from cli.make.drummer_files import (
    DrummerOption,
    MapOption,
    ModelOption,
    PlotOption,
    StyleOption,
    WavOption,
    read_source,
    report,
    write_outputs,
)
from cli.options import BundleOption, KitOption


def humanize(
    source: Annotated[Path, typer.Argument(metavar="IN", help="MIDI file or groove file (.toml), on the grid.")],
    drummer: DrummerOption = 0,
    style: StyleOption = None,
    amount: Annotated[float, typer.Option(help="0 as written, 1 as the drummer plays.")] = 1.0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="MIDI file; out/NAME_humanized.mid if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same performance.")] = 0,
    tempo: Annotated[
        float | None, typer.Option(min=20, max=400, help="Quarter notes per minute, if the file's is wrong.")
    ] = None,
    midi_map: MapOption = "auto",
    plot: PlotOption = False,
    wav: WavOption = False,
    kit: KitOption = "",
    bundle: BundleOption = None,
    model: ModelOption = None,
) -> None:
    """Give a programmed pattern the timing and dynamics of a drummer. The notes stay as they are."""
    import numpy as np

    from drummers.humanizer.model import FOLDER, Humanizer

    performance, notes, remarks = read_source(source, midi_map, tempo)
    played = Humanizer(model or FOLDER).humanize(performance, drummer=drummer, style=style, amount=amount, seed=seed)
    out = out or Path("out") / f"{source.stem}_humanized.mid"
    written = write_outputs(played, out, notes, kit=kit if wav else None, bundle=bundle, plot=plot, seed=seed)
    moved = np.abs(played.hits["time"] - performance.hits["time"]) * 1000
    report(written, f"{len(moved)} hits, moved by {moved.mean():.1f} ms on average", remarks)
