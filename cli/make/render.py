"""`ghostnote render`: drum files to sound files."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from cli.options import BundleOption, KitOption, PieceOption, parse_pieces

if TYPE_CHECKING:
    from ghostnote.files.bundle import Manifest
    from ghostnote.files.preset import Preset
    from server.files.batch import RenderJob, RenderResult, RenderSettings
    from server.files.offline import Audio

PRESET_SUFFIX = ".toml"


def render(
    inputs: Annotated[list[Path], typer.Argument(metavar="IN...", help="MIDI files or groove files (.toml).")],
    out: Annotated[Path, typer.Option("--out", "-o", help="A .wav or .flac file, or a folder.")] = Path("out"),
    kit: KitOption = "",
    piece: PieceOption = (),  # type: ignore[assignment]
    preset: Annotated[
        str,
        typer.Option(
            help="A saved preset, or its .toml file: kit or morph, pieces, levels, positions and feel as it says; "
            "--bundle, --kit and --piece override it.",
            show_default=False,
        ),
    ] = "",
    tempo: Annotated[float | None, typer.Option(min=20, max=400, help="Quarter notes per minute.")] = None,
    stems: Annotated[bool, typer.Option("--stems", help="Also one file per piece; they add up to the mix.")] = False,
    mode: Annotated[
        str, typer.Option(help="file (fastest), window or live: the same sound, rendered in different call sizes.")
    ] = "file",
    rate: Annotated[int | None, typer.Option(help="Sample rate in Hz; the bundle's if not given.")] = None,
    seed: Annotated[
        int,
        typer.Option(min=0, help="Chooses among equal strokes and draws their noise: the same gives the same sound."),
    ] = 0,
    plot: Annotated[Path | None, typer.Option(help="Also a spectrogram PNG (one input only).")] = None,
    midi_map: Annotated[
        str, typer.Option("--map", help="td17, gm, another shipped map, a map's file, or auto.")
    ] = "auto",
    bundle: BundleOption = None,
    jobs: Annotated[int, typer.Option(min=0, help="Files rendered at once, 0: one per core.")] = 0,
    progress: Annotated[bool, typer.Option("--progress", help="Print each percent, for programs (one input).")] = False,
) -> None:
    """Render drum MIDI files to audio with a neural kit. Needs no PyTorch and no audio device."""
    from server.files.batch import RenderSettings

    folder, manifest, wanted = choose(bundle, preset, kit, piece)
    work = plan(inputs, out)
    processes = min(len(work), jobs or os.cpu_count() or 1)
    threads = 1 if processes > 1 else min(2, os.cpu_count() or 1)
    settings = RenderSettings(folder, wanted, midi_map, tempo, mode, stems, rate, seed, threads)
    if plot and len(work) > 1:
        raise typer.BadParameter("--plot takes one input")
    if len(work) == 1:
        audio = render_one(settings, work[0], tell=progress)
        if plot:
            kits_played = " and ".join(wanted.kit)
            draw(plot, f"{work[0].source.stem}, {kits_played}", kits_played, audio, rate or manifest.sample_rate)
    elif any(one.error for one in render_all(settings, work, processes)):
        raise typer.Exit(2)


def choose(
    bundle: str | None, preset: str = "", kit: str = "", pieces: Sequence[str] = ()
) -> "tuple[Path, Manifest, Preset]":
    """The bundle's folder and manifest, and the preset with its overrides; it names a kit that is there.

    Raises InputError, MissingError, BundleError.
    """
    from ghostnote.files.bundle import bundle_folder, load_manifest
    from kits.store import find_kit, playable

    wanted = read_preset(preset)
    folder = bundle_folder(bundle or wanted.bundle or None)
    manifest = load_manifest(folder)
    wanted = replace(
        wanted,
        kit={kit: 1.0} if kit else wanted.kit or {next(iter(playable(manifest.codec, folder))): 1.0},
        pieces=wanted.pieces | parse_pieces(pieces),
    )
    for name in (*wanted.kit, *(sound.kit for sound in wanted.pieces.values() if sound.kit)):
        find_kit(name, folder)
    return folder, manifest, wanted


def read_preset(preset: str) -> "Preset":
    """A saved preset by name or file, "" = the defaults. Raises InputError, MissingError."""
    from ghostnote.files.preset import Preset, load_preset

    if not preset:
        return Preset()
    file = Path(preset)
    return load_preset(file.stem, file.parent) if file.suffix == PRESET_SUFFIX else load_preset(preset)


def plan(inputs: Sequence[Path], out: Path) -> "list[RenderJob]":
    """A target for each input: `out` itself if it names a sound file, else NAME.wav in the folder `out`."""
    from ghostnote.errors import InputError
    from server.files.batch import RenderJob
    from server.files.offline import SUBTYPES

    if out.suffix.lower() in SUBTYPES:
        if len(inputs) > 1:
            raise InputError(f"{len(inputs)} inputs cannot be written to one file {out}: name a folder")
        return [RenderJob(inputs[0], out)]
    targets = [out / f"{source.stem}.wav" for source in inputs]
    for target in targets:
        if targets.count(target) > 1:
            raise InputError(f"several inputs would become {target}: render them into different folders")
    return [RenderJob(source, target) for source, target in zip(inputs, targets, strict=True)]


def render_one(settings: "RenderSettings", job: "RenderJob", *, tell: bool = False) -> "Audio":
    """Render one file here, with progress inside the file, printed line by line for `tell`; its sound."""
    from rich.progress import Progress

    from server.files.batch import open_renderer, render_job

    renderer = open_renderer(settings)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(job.source.name, total=None)

        def advance(part: float) -> None:
            bar.update(task, completed=100 * part, total=100)
            if tell:
                typer.echo(f"{100 * part:.0f} %")

        done, audio = render_job(renderer, settings, job, advance)
    report(done)
    return audio


def draw(path: Path, title: str, kit: str, audio: "Audio", rate: int) -> None:
    """A spectrogram picture. Needs the extra "evaluate"."""
    from evaluation.sound.pictures import save_comparison

    save_comparison(path, title, [(kit, audio)], rate)
    Console(soft_wrap=True, highlight=False).print(f"{path}")


def render_all(settings: "RenderSettings", work: "Sequence[RenderJob]", processes: int) -> "list[RenderResult]":
    """Render many files in processes, with progress by file."""
    from rich.progress import track

    from server.files.batch import render_jobs

    console = Console(stderr=True)
    rendering = render_jobs(settings, work, processes)
    done = list(
        track(rendering, "rendering", len(work), console=console, transient=True, disable=not console.is_terminal)
    )
    for one in sorted(done, key=lambda one: str(one.job.source)):
        report(one)
    return done


def report(done: "RenderResult") -> None:
    """One line for a file, and one for each remark."""
    if done.error:
        error = escape(done.error)
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"[red]ghostnote:[/red] {error}")
        return
    console = Console(soft_wrap=True, highlight=False)
    speed = f"rendered in {done.took:.1f} s ({done.took / done.seconds:.3f} of real time)"
    console.print(f"{done.job.target}: {done.seconds:.1f} s, {speed}", markup=False)
    if done.reduction_db > 0.05:
        console.print(f"  peaks reduced by up to {done.reduction_db:.1f} dB")
    for remark in done.remarks:
        console.print(f"  {remark}", markup=False)
