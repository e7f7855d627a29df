"""A trained codec -> a bundle: two ONNX graphs, manifest, snapshot and model card in one folder (docs/bundle.md)."""

import hashlib
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from codec.bands import SAMPLE_RATE
from codec.frames import HOP
from export.graphs import Tracing, decoder_tracing, encoder_tracing
from export.model_card import model_card
from export.parity import Parity, compare, open_graph, run_graph
from export.precision import fold, round_to_half, store_half
from ghostnote.errors import BundleError, InputError
from ghostnote.files.bundle import (
    FORMAT_VERSION,
    MANIFEST,
    SNAPSHOT,
    Graph,
    Manifest,
    Training,
    load_manifest,
    sha256_of,
    write_manifest,
)
from training.codecs.struck_codec import StruckCodec

OPSET: Final = 20
SIZES: Final = ((1, 2), (1, 1), (3, 17))
"""(strokes, hops) of the parity check; the first is also the snapshot's and the tracer's."""
PRECISIONS: Final = ("fp32", "fp16")


@dataclass(frozen=True)
class BundleFacts:
    """What the networks themselves do not know."""

    name: str
    licence: str = "CC BY-SA 4.0"
    attributions: tuple[str, ...] = ()
    training: Training = field(default_factory=Training)
    metrics: dict[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class ExportReport:
    """What an export gave."""

    folder: Path
    manifest: Manifest
    parity: list[Parity]
    sizes: dict[str, int]
    """Bytes by file name."""


def export_bundle(codec: StruckCodec, facts: BundleFacts, out: Path, *, precision: str = "fp16") -> ExportReport:
    """Write the bundle to the folder `out`, replacing a bundle that is there once all is well.

    precision: "fp32"; "fp16": weights rounded to half (those of `codec`, too) and stored so, computed in fp32. Raises
    BundleError if a graph differs from its network by more than rounding, InputError for an unknown precision or a
    folder that is not a bundle.
    """
    if precision not in PRECISIONS:
        raise InputError(f"no precision {precision!r}: choose {', '.join(PRECISIONS)}")
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / MANIFEST).exists())):
        raise InputError(f"{out} is not empty and not a bundle: choose another folder")
    fingerprint = codec_fingerprint(codec)
    if precision == "fp16":
        round_to_half(codec)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as scratch:
        folder = Path(scratch) / "bundle"
        folder.mkdir()
        parity = _write_graphs(codec, folder, half=precision == "fp16")
        manifest = _manifest(codec, fingerprint, facts, folder, precision)
        write_manifest(manifest, folder)
        (folder / "README.md").write_text(model_card(manifest), "utf-8")
        load_manifest(folder)
        if out.exists():
            shutil.rmtree(out)
        folder.rename(out)
    return ExportReport(out, manifest, parity, {path.name: path.stat().st_size for path in sorted(out.iterdir())})


DATA: Final = (
    "strokes of 17 sampled kits (presets/kits names authors and licences; 224 recordings held out), of three drum "
    "machines in the public domain, and of the Hydrogen kits Audiophob (CC0), BJA Pacific (CC BY-SA 3.0 US), "
    "circAfrique v4 (CC BY-SA 3.0) and rumpf kit z01 (CC BY 3.0)",
)


def facts_of(facts: Mapping[str, Any], name: str, machine: str = "", notes: str = "") -> BundleFacts:
    """What a checkpoint's metadata says, for the manifest."""
    training = Training(
        data=DATA,
        minutes=float(facts.get("minutes", 0)),
        machine=machine or str(facts.get("machine", "")),
        steps={"codec": float(facts.get("step", 0))},
        notes=notes or str(facts.get("notes", "")),
    )
    measures = {f"{key} (held-out strokes)": float(value) for key, value in facts.get("measures", {}).items()}
    return BundleFacts(name, attributions=DATA, training=training, metrics=measures)


def codec_fingerprint(codec: StruckCodec) -> str:
    """12 hexadecimal digits of the codebooks: codes are for a codec whose entries are these, whatever decodes them."""
    return hashlib.sha256(codec.codebooks.detach().half().cpu().numpy().tobytes()).hexdigest()[:12]


def write_graph(tracing: Tracing, path: Path, opset: int = OPSET) -> None:
    """Export one network as an ONNX graph whose varying axes are free."""
    with warnings.catch_warnings():
        # The tracing exporter is the one that keeps our names and free axes, and takes seconds; torch calls it legacy.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            tracing.module, tuple(tracing.inputs.values()), path, input_names=list(tracing.inputs),
            output_names=list(tracing.outputs), dynamic_axes=tracing.dynamic, opset_version=opset, dynamo=False,
        )  # fmt: skip


def _write_graphs(codec: StruckCodec, folder: Path, *, half: bool) -> list[Parity]:
    parity: list[Parity] = []
    arrays: dict[str, np.ndarray] = {}
    for make in (encoder_tracing, decoder_tracing):
        samples = [make(codec, strokes, hops) for strokes, hops in SIZES]
        if half:
            for sample in samples:
                round_to_half(sample.module)
        first = samples[0]
        path = folder / f"{first.role}.onnx"
        write_graph(first, path)
        fold(path)
        if half:
            store_half(path)
        session = open_graph(path)
        parity += compare(session, samples)
        arrays |= {f"{first.role}/in/{name}": value.numpy() for name, value in first.inputs.items()}
        arrays |= {f"{first.role}/out/{name}": value for name, value in run_graph(session, first).items()}
    failed = [p for p in parity if not p.holds]
    if failed:
        worst = ", ".join(f"{p.graph}/{p.tensor} {p.error:.2g}" for p in failed)
        raise BundleError(f"the exported graphs do not compute what the networks do: {worst}; nothing was written")
    np.savez_compressed(folder / SNAPSHOT, **arrays)  # type: ignore[arg-type]
    return parity


def _manifest(codec: StruckCodec, fingerprint: str, facts: BundleFacts, folder: Path, precision: str) -> Manifest:
    files = {role: f"{role}.onnx" for role in ("encoder", "decoder")}
    return Manifest(
        format_version=FORMAT_VERSION,
        name=facts.name,
        codec=fingerprint,
        sample_rate=SAMPLE_RATE,
        channels=2,
        hop=HOP,
        books=codec.config.books,
        book_size=codec.config.book_size,
        graphs=tuple(Graph(role, file, sha256_of(folder / file)) for role, file in files.items()),
        precision=precision,
        licence=facts.licence,
        attributions=facts.attributions,
        training=facts.training,
        metrics=facts.metrics,
    )
