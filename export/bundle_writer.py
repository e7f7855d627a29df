"""Networks -> a bundle: three ONNX graphs, manifest, snapshot and model card in one folder (docs/bundle.md)."""

import shutil
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from export.graphs import CONDITION, PredictorGraph, Tracing, tracings
from export.model_card import model_card
from export.parity import Parity, compare, open_graph, run_graph
from export.precision import PRECISIONS, fold, quantise, round_to_half, store_half
from export.quality import Cost, cost_of
from export.steady import steady_product
from ghostnote.errors import BundleError, InputError
from ghostnote.files.bundle import (  # fmt: skip
    FORMAT_VERSION,
    MANIFEST,
    SNAPSHOT,
    Codes,
    Graph,
    GridSpec,
    KitInfo,
    Manifest,
    Training,
    load_manifest,
    sha256_of,
    write_manifest,
)
from ghostnote.music.articulations import PIECES, lanes_of_piece
from ghostnote.music.grid import GRID_NAME, N_COLUMNS

if TYPE_CHECKING:
    from training.codecs.drum_codec import DrumCodec
    from training.predictors.live import LivePredictor

OPSET: Final = 20
SIZES: Final = ((2, 4), (1, 1), (3, 17))
"""(passes, hops) of the parity check; the first is also the snapshot's and the tracer's."""


@dataclass(frozen=True)
class BundleFacts:
    """What the networks themselves do not know."""

    name: str
    kits: tuple[KitInfo, ...]
    drummers: tuple[str, ...]
    temperature: tuple[float, ...]
    licence: str = "CC BY-SA 4.0"
    attributions: tuple[str, ...] = ()
    training: Training = field(default_factory=Training)
    metrics: dict[str, float] | None = None


@dataclass(frozen=True)
class Report:
    """What an export gave."""

    folder: Path
    manifest: Manifest
    parity: list[Parity]
    sizes: dict[str, int]
    """Bytes by file name."""
    cost: Cost | None
    """Of a precision below fp32."""


def export_bundle(
    codec: "DrumCodec", predictor: "LivePredictor", facts: BundleFacts, out: Path, *, precision: str = "fp16"
) -> Report:
    """Write the bundle to the folder `out`, replacing a bundle that is there once all is well.

    precision: "fp32"; "fp16": weights rounded to half (the networks given are rounded, too) and stored so, computed in
    fp32; "int8": as fp16, but products with fixed matrices in 8 bits. Raises BundleError if a graph differs from its
    network by more than rounding or if the smaller precision is heard (`Cost.passes`), InputError for an unknown
    precision or a folder that is not a bundle.
    """
    if precision not in PRECISIONS:
        raise InputError(f"no precision {precision!r}: choose {', '.join(PRECISIONS)}")
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / MANIFEST).exists())):
        raise InputError(f"{out} is not empty and no bundle: choose another folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as scratch:
        full, small = Path(scratch) / "full", Path(scratch) / "small"
        parity, samples = write_graphs(codec, predictor, facts, full)
        folder, cost = full, None
        if precision != "fp32":
            folder = small
            round_to_half(codec)
            round_to_half(predictor)
            predictor.memory.update_statistics()
            parity, samples = write_graphs(codec, predictor, facts, small, finish=store_half)
            # The condition graph stays: it runs once per change of kit.
            for tracing in samples[1:] if precision == "int8" else ():
                path = folder / f"{tracing.role}.onnx"
                write_bundle_graph(tracing, path)
                quantise(path)
                store_half(path)
            cost = cost_of(full, small, samples, codec.hop, codec.sample_rate)
            if not cost.passes:
                raise BundleError(f"{precision} changes the sound too much: {cost.text}; export fp32 or fp16")
        write_snapshot(samples, folder)
        facts = replace(facts, kits=ringing(facts.kits, codec, predictor))
        manifest = make_manifest(codec, facts, samples, folder, precision)
        write_manifest(manifest, folder)
        (folder / "README.md").write_text(model_card(manifest), "utf-8")
        load_manifest(folder)
        if out.exists():
            shutil.rmtree(out)
        folder.rename(out)
    return Report(out, manifest, parity, {path.name: path.stat().st_size for path in sorted(out.iterdir())}, cost)


def write_graphs(
    codec: "DrumCodec",
    predictor: "LivePredictor",
    facts: BundleFacts,
    folder: Path,
    finish: Callable[[Path], None] | None = None,
) -> tuple[list[Parity], list[Tracing]]:
    """Write the three graphs into `folder`, each rewritten by `finish`; their parity and what they were traced with.

    Raises BundleError if a graph does not compute what its network does.
    """
    folder.mkdir()
    kits, drummers = len(facts.kits), len(facts.drummers)
    samples = [tracings(codec, predictor, kits, drummers, batch=batch, rows=rows) for batch, rows in SIZES]
    parity: list[Parity] = []
    for same in zip(*samples, strict=True):
        path = folder / f"{same[0].role}.onnx"
        write_bundle_graph(same[0], path)
        if finish:
            finish(path)
        parity += compare(open_graph(path), same)
    failed = [p for p in parity if not p.holds]
    if failed:
        worst = ", ".join(f"{p.graph}/{p.tensor} {p.error:.2g}" for p in failed)
        raise BundleError(f"the exported graphs do not compute what the networks do: {worst}; nothing was written")
    return parity, samples[0]


def write_graph(tracing: Tracing, path: Path, opset: int = OPSET) -> None:
    """Export one network as an ONNX graph whose varying axes are free."""
    with warnings.catch_warnings():
        # The tracing exporter is the one that keeps our names and free axes, and takes seconds; torch calls it legacy.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            tracing.module, tuple(tracing.inputs.values()), path, input_names=list(tracing.inputs),
            output_names=tracing.output_names, dynamic_axes=tracing.dynamic, opset_version=opset, dynamo=False,
        )  # fmt: skip


def write_bundle_graph(tracing: Tracing, path: Path) -> None:
    """Export one of a bundle's networks, with products that round one hop as they round many."""
    write_graph(tracing, path)
    if isinstance(tracing.module, PredictorGraph):
        steady_product(path, "grid", "inlet")
    fold(path)


def write_snapshot(samples: Sequence[Tracing], folder: Path) -> None:
    """One input/output pair of every graph as the graph computes it, keys ROLE/in/NAME and ROLE/out/NAME.

    What the predictor takes from the condition graph is kept as that graph's output alone.
    """
    arrays: dict[str, np.ndarray] = {}
    for tracing in samples:
        inputs = {name: value.numpy() for name, value in tracing.inputs.items() if name not in CONDITION}
        arrays |= {f"{tracing.role}/in/{name}": value for name, value in inputs.items()}
        outputs = run_graph(open_graph(folder / f"{tracing.role}.onnx"), tracing)
        arrays |= {f"{tracing.role}/out/{name}": value for name, value in outputs.items()}
    np.savez_compressed(folder / SNAPSHOT, **arrays)  # type: ignore[arg-type]


def ringing(kits: Sequence[KitInfo], codec: "DrumCodec", predictor: "LivePredictor") -> tuple[KitInfo, ...]:
    """The kits with how long their pieces sound, filled in from the predictor's stroke memory if missing."""
    hop_seconds = codec.hop / codec.sample_rate
    found: list[KitInfo] = []
    for kit, lanes in zip(kits, predictor.memory.ring_hops(), strict=True):
        hops = [max(lanes[lane] for lane in lanes_of_piece(piece)) for piece in PIECES]
        seconds = tuple(round(hop_seconds * max(1.0, one), 3) for one in hops)
        found.append(replace(kit, piece_seconds=seconds) if any(hops) and not kit.piece_seconds else kit)
    return tuple(found)


def make_manifest(
    codec: "DrumCodec", facts: BundleFacts, samples: Sequence[Tracing], folder: Path, precision: str
) -> Manifest:
    """The manifest of the graphs in `folder`."""
    files = {tracing.role: f"{tracing.role}.onnx" for tracing in samples}
    graphs = tuple(Graph(t.role, files[t.role], sha256_of(folder / files[t.role]), t.state) for t in samples)
    return Manifest(
        format_version=FORMAT_VERSION,
        name=facts.name,
        sample_rate=codec.sample_rate,
        channels=codec.channels,
        hop=codec.hop,
        grid=GridSpec(GRID_NAME, N_COLUMNS),
        codes=Codes(codec.n_codebooks, codec.codebook_size, facts.temperature),
        graphs=graphs,
        kits=facts.kits,
        drummers=facts.drummers,
        precision=precision,
        licence=facts.licence,
        attributions=facts.attributions,
        training=facts.training,
        metrics=facts.metrics or {},
    )
