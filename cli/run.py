"""`ghostnote run`: hear it. Renders a groove that ships, and plays it where there is an audio device."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from cli.render import BundleOption, KitOption

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GROOVES: Final = Path(__file__).resolve().parent.parent / "presets" / "grooves"
_log = logging.getLogger(__name__)


def run(
    groove: Annotated[str, typer.Option(help="A groove that ships (presets/grooves), by name.")] = "pocket_funk",
    kit: KitOption = "",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the sound file.")] = Path("out"),
    bundle: BundleOption = None,
) -> None:
    """Render a groove with the shipped bundle, and play it if this machine has an audio device."""
    from cli.render import render_one
    from ghostnote.bundle import bundle_folder, load_manifest
    from ghostnote.errors import MissingError
    from server.batch import Job, Settings

    source = GROOVES / f"{groove}.toml"
    if not source.is_file():
        raise MissingError(
            f"no groove {groove!r}: there are {', '.join(sorted(p.stem for p in GROOVES.glob('*.toml')))}"
        )
    folder = bundle_folder(bundle)
    manifest = load_manifest(folder)
    chosen = manifest.kits[manifest.kit_index(kit)] if kit else manifest.kits[0]
    job = Job(source, out / f"{groove}-{chosen.id}.wav")
    audio = render_one(Settings(folder, chosen.id), job)
    console = Console(soft_wrap=True, highlight=False)
    device = output_device()
    if device is None:
        console.print(f"No audio device here: listen to {job.target}")
        return
    console.print(f"Playing {groove} with {chosen.name} on {device} (Ctrl-C ends)")
    play(audio, manifest.sample_rate)


def output_device() -> str | None:
    """Name of the default output device; None where there is none or no PortAudio."""
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        _log.info("no PortAudio: %s", error)
        return None
    try:
        return str(sounddevice.query_devices(kind="output")["name"])  # type: ignore[index]
    except (sounddevice.PortAudioError, ValueError) as error:
        _log.info("no output device: %s", error)
        return None


def play(audio: "NDArray[np.float32]", sample_rate: int) -> None:
    """Play [frames, channels] to its end, or to Ctrl-C."""
    import sounddevice

    try:
        sounddevice.play(audio, sample_rate, blocking=True)
    except KeyboardInterrupt:
        sounddevice.stop()
    except sounddevice.PortAudioError as error:
        Console(stderr=True, highlight=False).print(f"Playing failed ({error}); the sound file is written.")
