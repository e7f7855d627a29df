"""`ghostnote groove`: a prompt to MIDI files, and optionally to sound and pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from cli.make.drummer_files import ModelOption, PlotOption, WavOption, report, write_outputs
from cli.options import BundleOption, KitOption

if TYPE_CHECKING:
    from drummers.groovegen.prompt import GrooveRequest
    from ghostnote.music.performance import Performance


def groove(
    prompt: Annotated[str, typer.Argument(help='Such as "funk 100 bpm, busy, 8 bars with a fill" (docs/drummers.md).')],
    out: Annotated[Path, typer.Option("--out", "-o", help="A .mid file, or a folder.")] = Path("out"),
    seed: Annotated[int, typer.Option(min=0, help="The same prompt and seed give the same groove.")] = 0,
    n: Annotated[int, typer.Option("--n", min=1, max=99, help="Number of grooves, with seeds from --seed on.")] = 1,
    wav: WavOption = False,
    kit: KitOption = "",
    bundle: BundleOption = None,
    plot: PlotOption = False,
    midi_map: Annotated[str, typer.Option("--map", help="Notes to write: td17, gm or another map.")] = "td17",
    model: ModelOption = None,
) -> None:
    """Generate grooves from a prompt. Needs no PyTorch and no audio device."""
    from drummers.common.model_folder import MODELS_DIR
    from drummers.groovegen.model import KIND, GrooveGenerator
    from drummers.groovegen.prompt import parse
    from ghostnote.files.midi_map import load_map

    request = parse(prompt)
    targets = plan(request, out, seed, n)
    notes = load_map(midi_map)
    generator = GrooveGenerator(model or MODELS_DIR / KIND)
    console = Console(highlight=False, soft_wrap=True)
    for remark in request.remarks:
        console.print(remark, markup=False)
    for number, target in enumerate(targets, seed):
        performance = generator.generate(request, number)
        written = write_outputs(
            performance, target, notes, kit=kit if wav else None, bundle=bundle, plot=plot, seed=number
        )
        report(written, f"{describe(request, performance)}, seed {number}")


def plan(request: "GrooveRequest", out: Path, seed: int, n: int) -> list[Path]:
    """One .mid path per groove: `out` itself, or numbered by seed where there are several or `out` is a folder."""
    from ghostnote.errors import InputError

    if out.suffix.lower() in (".mid", ".midi"):
        return [out] if n == 1 else [out.with_stem(f"{out.stem}_{seed + i}") for i in range(n)]
    if out.suffix and not out.is_dir():
        raise InputError(f"cannot write {out}: name a .mid file or a folder")
    return [out / f"{request.name}_{request.bpm:g}_{seed + i}.mid" for i in range(n)]


def describe(request: "GrooveRequest", performance: "Performance") -> str:
    """A one-line summary."""
    styles = " and ".join(f"{name} {weight:.0%}" if weight < 1 else name for name, weight in request.styles.items())
    meter = f"{request.meter[0]}/{request.meter[1]}"
    return f"{styles}, {request.bpm:g} bpm, {request.bars} bars of {meter}, {len(performance.hits)} hits"
