"""`ghostnote run`: a first sound. Serves and plays a groove at once; without an audio device, renders it to a file."""

import logging
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.options import BundleOption, KitOption

_log = logging.getLogger(__name__)


def run(
    groove: Annotated[str, typer.Option(help="A groove that ships (presets/grooves), by name, or a file.")] = (
        "pocket_funk"
    ),
    kit: KitOption = "",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the sound file, without audio device.")] = Path(
        "out"
    ),
    bundle: BundleOption = None,
) -> None:
    """Serve with the shipped bundle and play a groove at once; without an audio device, render it to a file."""
    from cli.make.render import choose
    from ghostnote.files.groove import groove_path
    from server.config import ServeConfig
    from server.files.batch import RenderJob, RenderSettings

    source = groove_path(groove)
    folder, _, preset = choose(bundle, kit=kit)
    (chosen,) = preset.kit
    if has_output_device():
        from cli.play.serve import announce
        from server.serve import serve

        raise typer.Exit(serve(ServeConfig(bundle=str(folder), kit=chosen, play=groove), announce))
    from cli.make.render import render_one

    job = RenderJob(source, out / f"{source.stem}-{chosen}.wav")
    render_one(RenderSettings(folder, preset), job)
    Console(soft_wrap=True, highlight=False).print(f"No audio device here: listen to {job.target}")


def has_output_device() -> bool:
    """Whether PortAudio is there and finds a device to play on."""
    try:
        from server.audio.portaudio import list_outputs

        return bool(list_outputs())
    except (ImportError, OSError) as error:
        _log.info("no PortAudio: %s", error)
        return False
