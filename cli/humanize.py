"""`ghostnote humanize`: a quantised file, as a drummer would play it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.render import BundleOption, KitOption


def humanize(
    source: Annotated[Path, typer.Argument(metavar="IN", help="MIDI file or groove file (.toml), on the grid.")],
    drummer: Annotated[int, typer.Option(help="Who plays: 1 to 10, 0 nobody in particular.")] = 0,
    style: Annotated[str | None, typer.Option(help="A style such as funk; the groove file's own if not given.")] = None,
    amount: Annotated[float, typer.Option(help="0 as written, 1 as the drummer plays.")] = 1.0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="MIDI file; out/NAME_humanized.mid if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same performance.")] = 0,
    tempo: Annotated[
        float | None, typer.Option(min=20, max=400, help="Quarter notes per minute, where the file's is wrong.")
    ] = None,
    midi_map: Annotated[
        str, typer.Option("--map", help="td17, gm, another shipped map, a map's file, or auto; read and written by it.")
    ] = "auto",
    plot: Annotated[bool, typer.Option("--plot", help="Also a picture of the hits and their timing (.png).")] = False,
    wav: Annotated[bool, typer.Option("--wav", help="Also the sound (.wav).")] = False,
    kit: KitOption = "",
    bundle: BundleOption = None,
    model: Annotated[Path | None, typer.Option(help="Folder of the model; the shipped one if not given.")] = None,
) -> None:
    """Give a programmed pattern the timing and dynamics of a drummer. The notes stay as they are."""
    from dataclasses import replace

    import numpy as np

    from cli.drummer_output import write_outputs
    from drummers.humanizer import FOLDER, Humanizer
    from ghostnote.midi_map import load_map
    from server.inputs import AUTO, choose_map, read_performance

    performance, remarks = read_performance(source, midi_map)
    performance = replace(performance, name=source.stem, bpm=tempo or performance.bpm)
    is_groove = source.suffix.lower() == ".toml"
    chosen = load_map("td17" if is_groove else midi_map) if is_groove or midi_map != AUTO else choose_map(source)
    played = Humanizer(model or FOLDER).humanize(performance, drummer=drummer, style=style, amount=amount, seed=seed)
    out = out or Path("out") / f"{source.stem}_humanized.mid"
    written = write_outputs(played, out, chosen, kit=kit if wav else None, bundle=bundle, plot=plot, seed=seed)
    moved = np.abs(played.hits["time"] - performance.hits["time"]) * 1000
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{written[0]}: {len(moved)} hits, moved by {moved.mean():.1f} ms on average", markup=False)
    for line in (*map(str, written[1:]), *(f"  {remark}" for remark in remarks)):
        console.print(line, markup=False)
