"""What a drummer played, into files: MIDI, and if asked for the sound and a picture beside it."""

from pathlib import Path
from typing import TYPE_CHECKING

from ghostnote.midi_map import MidiMap
from ghostnote.performance import Performance

if TYPE_CHECKING:
    from server.renderer import Renderer


def write_outputs(
    performance: Performance,
    out: Path,
    midi_map: MidiMap,
    *,
    kit: str | None,
    bundle: str | None,
    plot: bool,
    join: float | None = None,
    seed: int = 0,
) -> list[Path]:
    """Write `out` (.mid), with a kit ("" the bundle's first) OUT.wav, with `plot` OUT.png; the written paths.

    `join`: a moment [s] to mark in the picture. Raises InputError for another suffix of `out` or an unknown kit;
    everything that could be refused is checked before the first file is written.
    """
    from ghostnote.errors import InputError
    from ghostnote.midi_file import write_midi

    if out.suffix.lower() not in (".mid", ".midi"):
        raise InputError(f"cannot write {out}: the name of a MIDI file ends in .mid")
    render = None if kit is None else renderer_of(kit, bundle, seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_midi(performance, out, midi_map)
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror}") from error
    written = [out]
    if render is not None:
        from server.offline import render_performance, save_audio

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
    from ghostnote.bundle import bundle_folder, load_manifest
    from server.batch import Settings, open_renderer

    folder = bundle_folder(bundle)
    manifest = load_manifest(folder)
    kit = kit or manifest.kits[0].id
    manifest.kit_index(kit)
    return open_renderer(Settings(folder, kit, seed=seed))
