"""Shared by the drummers' commands: options, the file that is read, the files that are written."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from rich.console import Console

if TYPE_CHECKING:
    from ghostnote.files.midi_map import MidiMap
    from ghostnote.music.performance import Performance
    from server.render.renderer import Renderer

DrummerOption = Annotated[int, typer.Option(help="The drummer: 1 to 10, 0 for none in particular.")]
StyleOption = Annotated[str | None, typer.Option(help="A style such as funk; the groove file's own if not given.")]
MapOption = Annotated[
    str, typer.Option("--map", help="td17, gm, another shipped map, a map's file, or auto; read and written by it.")
]
PlotOption = Annotated[bool, typer.Option("--plot", help="Also a picture of the hits and their timing (.png).")]
WavOption = Annotated[bool, typer.Option("--wav", help="Also the sound (.wav).")]
ModelOption = Annotated[Path | None, typer.Option(help="Folder of the model; the shipped one if not given.")]


class SourceFile(NamedTuple):
    """A file that was read."""

    performance: "Performance"
    midi_map: "MidiMap"
    """To write the notes by."""
    remarks: tuple[str, ...]


def read_source(path: Path, midi_map: str, tempo: float | None) -> SourceFile:
    """The MIDI or groove file, read with a map or "auto", at `tempo` [quarter notes per minute] if given.

    Raises what `server.files.inputs.read_performance` raises.
    """
    from dataclasses import replace

    from ghostnote.files.midi_map import load_map
    from server.files.inputs import AUTO, choose_map, read_performance

    performance, remarks = read_performance(path, midi_map)
    performance = replace(performance, name=path.stem, bpm=tempo or performance.bpm)
    if path.suffix.lower() == ".toml":
        chosen = load_map("td17")
    else:
        chosen = choose_map(path) if midi_map == AUTO else load_map(midi_map)
    return SourceFile(performance, chosen, remarks)


def report(written: Sequence[Path], what: str, remarks: Sequence[str] = ()) -> None:
    """Print `what` the first of the written files contains, the other files, and remarks."""
    console = Console(soft_wrap=True, highlight=False)
    for line in (f"{written[0]}: {what}", *map(str, written[1:]), *(f"  {remark}" for remark in remarks)):
        console.print(line, markup=False)


def write_outputs(
    performance: "Performance",
    out: Path,
    midi_map: "MidiMap",
    *,
    kit: str | None,
    bundle: str | None,
    plot: bool,
    join: float | None = None,
    seed: int = 0,
) -> list[Path]:
    """Write `out` (.mid), with a kit ("" the bundle's first) OUT.wav, with `plot` OUT.png; the written paths.

    `join`: a moment [s] to mark in the picture. Raises InputError for another suffix of `out` or an unknown kit;
    all errors are raised before the first file is written.
    """
    from ghostnote.errors import InputError
    from ghostnote.files.midi import write_midi

    if out.suffix.lower() not in (".mid", ".midi"):
        raise InputError(f"cannot write {out}: the name of a MIDI file must end in .mid")
    render = None if kit is None else renderer_of(kit, bundle, seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_midi(performance, out, midi_map)
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror}") from error
    written = [out]
    if render is not None:
        from server.files.offline import render_performance, save_audio

        rendering = render_performance(render, performance)
        written.append(out.with_suffix(".wav"))
        save_audio(written[-1], rendering.audio, rendering.sample_rate)
    if plot:
        from evaluation.piano_roll import save_piano_roll

        written.append(out.with_suffix(".png"))
        save_piano_roll(written[-1], performance, join)
    return written


def renderer_of(kit: str, bundle: str | None, seed: int) -> "Renderer":
    """A renderer of the bundle's kit ("": its first). Raises InputError, MissingError or BundleError."""
    from cli.make.render import choose
    from server.files.batch import RenderSettings, open_renderer

    folder, _, preset = choose(bundle, kit=kit)
    return open_renderer(RenderSettings(folder, preset, seed=seed))
