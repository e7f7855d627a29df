"""`ghostnote continue`: play on from a MIDI file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.render import BundleOption, KitOption


def continue_(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="MIDI file or groove file (.toml); its last bars count.")
    ],
    bars: Annotated[int, typer.Option(min=1, max=512, help="Bars to play.")] = 8,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="MIDI file; out/NAME_continued.mid if not given.")
    ] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Write the new bars only, not the old ones before them.")
    ] = False,
    style: Annotated[str | None, typer.Option(help="A style such as funk; the groove file's own if not given.")] = None,
    drummer: Annotated[int, typer.Option(help="Who plays: 1 to 10, 0 nobody in particular.")] = 0,
    temperature: Annotated[float, typer.Option(help="0 the likeliest, 1 as usual, up to 2: freer.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bars.")] = 0,
    tempo: Annotated[
        float | None, typer.Option(min=30, max=300, help="Quarter notes per minute, where the file's is wrong.")
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
    """Play on from the last four bars of a file. Only drums are heard: what the band does next is not known."""
    from dataclasses import replace

    from cli.drummer_output import write_outputs
    from drummers.continuation import KIND, Continuer, bars_played, followed_by
    from drummers.model_folder import MODELS_DIR
    from ghostnote.midi_map import load_map
    from server.inputs import AUTO, choose_map, read_performance

    performance, remarks = read_performance(source, midi_map)
    performance = replace(performance, name=source.stem, bpm=tempo or performance.bpm)
    is_groove = source.suffix.lower() == ".toml"
    chosen = load_map("td17" if is_groove else midi_map) if is_groove or midi_map != AUTO else choose_map(source)
    played = bars_played(performance)
    new = Continuer(model or MODELS_DIR / KIND).play_on(
        performance, bars, style=style, drummer=drummer, temperature=temperature, seed=seed
    )
    whole = new if alone else followed_by(performance, new)
    out = out or Path("out") / f"{source.stem}_continued.mid"
    written = write_outputs(
        whole, out, chosen, kit=kit if wav else None, bundle=bundle, plot=plot,
        join=None if alone else whole.duration - new.duration, seed=seed,
    )  # fmt: skip
    console = Console(soft_wrap=True, highlight=False)
    before = "" if alone else f" after {played}"
    console.print(f"{written[0]}: {bars} bars{before}, {len(new.hits)} hits, {new.bpm:g} bpm", markup=False)
    for line in (*map(str, written[1:]), *(f"  {remark}" for remark in remarks)):
        console.print(line, markup=False)
