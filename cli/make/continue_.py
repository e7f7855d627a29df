"""`ghostnote continue`: continue a MIDI file."""

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


def continue_(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="MIDI file or groove file (.toml); its last bars count.")
    ],
    bars: Annotated[int, typer.Option(min=1, max=512, help="Bars to play.")] = 8,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="MIDI file; out/NAME_continued.mid if not given.")
    ] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Write only the new bars, without the old ones before them.")
    ] = False,
    style: StyleOption = None,
    drummer: DrummerOption = 0,
    temperature: Annotated[float, typer.Option(help="0: most likely, 1: as usual, up to 2: freer.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bars.")] = 0,
    tempo: Annotated[
        float | None, typer.Option(min=30, max=300, help="Quarter notes per minute, if the file's is wrong.")
    ] = None,
    midi_map: MapOption = "auto",
    plot: PlotOption = False,
    wav: WavOption = False,
    kit: KitOption = "",
    bundle: BundleOption = None,
    model: ModelOption = None,
) -> None:
    """Continue from the last four bars of a file. Only the drums are known, not what the band plays next."""
    from drummers.common.model_folder import MODELS_DIR
    from drummers.continuation.model import KIND, Continuer, bars_played, followed_by

    performance, notes, remarks = read_source(source, midi_map, tempo)
    played = bars_played(performance)
    new = Continuer(model or MODELS_DIR / KIND).play_on(
        performance, bars, style=style, drummer=drummer, temperature=temperature, seed=seed
    )
    whole = new if alone else followed_by(performance, new)
    out = out or Path("out") / f"{source.stem}_continued.mid"
    written = write_outputs(
        whole, out, notes, kit=kit if wav else None, bundle=bundle, plot=plot,
        join=None if alone else whole.duration - new.duration, seed=seed,
    )  # fmt: skip
    before = "" if alone else f" after {played}"
    report(written, f"{bars} bars{before}, {len(new.hits)} hits, {new.bpm:g} bpm", remarks)
