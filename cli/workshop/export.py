"""`ghostnote export`: a checkpoint becomes a bundle of ONNX graphs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from export.bundle_writer import BundleFacts, Report
    from training.codecs.drum_codec import DrumCodec
    from training.predictors.live import LivePredictor


def export(
    checkpoint: Annotated[Path, typer.Argument(help="Weights of a finished training (best.safetensors).")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the bundle, such as presets/bundles/NAME.")],
    name: Annotated[str, typer.Option(help="Name of the bundle; the folder's if empty.")] = "",
    precision: Annotated[str, typer.Option(help="fp32, fp16 (weights stored in half) or int8.")] = "int8",
    temperature: Annotated[
        float | None, typer.Option(min=0, help="Default sampling temperature; the checkpoint's if not given.")
    ] = None,
    machine: Annotated[str, typer.Option(help="What it was trained on, for the model card.")] = "",
    notes: Annotated[str, typer.Option(help="One more line for the model card.")] = "",
    pack: Annotated[
        Path | None,
        typer.Option(
            help="Packed training set; its validation performances are used to measure and equalise the kits' levels."
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="Also save the weights here, in half precision, as a start for further training."),
    ] = None,
) -> None:
    """Write a bundle and compare its graphs with the networks; fails if they differ."""
    from export.bundle_writer import export_bundle
    from export.checkpoint import facts_of
    from training.checkpoints import load_checkpoint, write_half

    codec, predictor, metadata = load_checkpoint(checkpoint)
    facts = facts_of(
        metadata, name or out.resolve().name, books=codec.n_codebooks, temperature=temperature, machine=machine,
        notes=notes,
    )  # fmt: skip
    if pack:
        facts = evened(facts, codec, predictor, pack)
    show(export_bundle(codec, predictor, facts, out, precision=precision))
    if weights:
        write_half(checkpoint, weights)


def evened(facts: "BundleFacts", codec: "DrumCodec", predictor: "LivePredictor", pack_path: Path) -> "BundleFacts":
    """The facts with gains for each kit and its pieces."""
    from dataclasses import replace

    from rich.progress import track

    from export.levels import Levels
    from training.data.pack import Pack

    pack = Pack(pack_path)
    levels = Levels(codec, predictor, pack.performances(("validation",)))
    kits = track(facts.kits, "measuring the kits' levels", console=Console(stderr=True))
    return replace(facts, kits=tuple(levels.even(info, pack.kit(info.id), index) for index, info in enumerate(kits)))


def show(report: "Report") -> None:
    """Print parity, cost and sizes."""
    from rich.table import Table

    console = Console(soft_wrap=True, highlight=False)
    table = Table("graph", "tensor", "shape", "max error")
    for p in report.parity:
        error = f"{p.error:.2%} differ" if p.tensor == "codes" else f"{p.error:.2e}"
        table.add_row(p.graph, p.tensor, "x".join(map(str, p.shape)), error)
    console.print(table)
    if report.cost:
        console.print(f"{report.manifest.precision}: {report.cost.text}")
    for file, size in report.sizes.items():
        console.print(f"{size / 1e6:9.3f} MB  {file}")
    console.print(f"{sum(report.sizes.values()) / 1e6:9.3f} MB  {report.folder}")
