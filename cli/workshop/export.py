"""`ghostnote export`: a trained codec becomes a bundle of ONNX graphs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from export.bundle_writer import ExportReport


def export(
    checkpoint: Annotated[Path, typer.Argument(help="Weights of a finished training (best.safetensors).")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the bundle, such as presets/bundles/NAME.")],
    name: Annotated[str, typer.Option(help="Name of the bundle; the folder's if empty.")] = "",
    precision: Annotated[str, typer.Option(help="fp32, or fp16 (weights stored in half).")] = "fp16",
    machine: Annotated[str, typer.Option(help="What it was trained on, for the model card.")] = "",
    notes: Annotated[str, typer.Option(help="One more line for the model card.")] = "",
) -> None:
    """Write a bundle and compare its graphs with the networks; fails if they differ."""
    from export.bundle_writer import export_bundle, facts_of
    from training.checkpoints import codec_of

    codec, facts = codec_of(checkpoint)
    show(export_bundle(codec, facts_of(facts, name or out.resolve().name, machine, notes), out, precision=precision))


def show(report: "ExportReport") -> None:
    """Print parity and sizes."""
    from rich.table import Table

    console = Console(soft_wrap=True, highlight=False)
    table = Table("graph", "tensor", "shape", "max error")
    for p in report.parity:
        error = f"{p.error:.2%} differ" if p.tensor == "codes" else f"{p.error:.2e}"
        table.add_row(p.graph, p.tensor, "x".join(map(str, p.shape)), error)
    console.print(table)
    for file, size in report.sizes.items():
        console.print(f"{size / 1e6:9.3f} MB  {file}")
    console.print(f"{sum(report.sizes.values()) / 1e6:9.3f} MB  {report.folder}")
