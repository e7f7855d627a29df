"""Writes tests/data/tiny_bundle: the real graphs at toy size with untrained weights, and kits of random strokes.

python -m tests.support.tiny_bundle
"""

from pathlib import Path

import numpy as np
import torch

from codec.frames import BOOK_SIZE, BOOKS, HOP
from codec.modes import CODE_SIZES
from export.bundle_writer import BundleFacts, ExportReport, export_bundle
from ghostnote.files.bundle import Training
from ghostnote.music.articulations import N_LANES
from kits.coded_kit import KIT_FORMAT, SUFFIX, CodedKit, KitFacts, join_strokes, write_kit
from kits.layers import LAYER
from tests.support.paths import TINY
from training.codecs.struck_codec import StruckCodec, StruckConfig

KITS = ("alpha", "beta", "gamma")
HATS = ("hat_closed_bow", "hat_closed_edge", "hat_open_bow", "hat_open_edge", "hat_pedal")


def tiny_config() -> StruckConfig:
    """As small as the codes allow."""
    return StruckConfig(
        latent=8,
        encoder_width=8,
        encoder_hidden=8,
        encoder_blocks=1,
        decoder_width=8,
        decoder_hidden=8,
        decoder_blocks=2,
    )


def tiny_codec(seed: int = 0) -> StruckCodec:
    """Audible but untrained."""
    torch.manual_seed(seed)
    codec = StruckCodec(tiny_config())
    for book, layer in enumerate(codec.quantizer.vq.layers):
        layer._codebook.embed.normal_(std=0.7**book)
    torch.nn.init.normal_(codec.decoder.wave.weight, std=0.5)
    torch.nn.init.constant_(codec.decoder.gain.bias, -5.0)
    return codec.eval()


def tiny_kit(name: str, codec: str, seed: int) -> CodedKit:
    """Two velocity layers of two random strokes for every lane, half a second each; hats choke each other."""
    random = np.random.default_rng(seed)
    hops, sizes = 94, np.array(CODE_SIZES)
    strokes, layers = [], []
    for lane in range(N_LANES):
        for low, high in ((1, 63), (64, 127)):
            layers.append((lane, low, high, high, -20.0 + low / 8, 0.0, len(strokes), 2))
            for _ in range(2):
                codes = random.integers(0, BOOK_SIZE, (hops + 1, BOOKS)).astype(np.uint16)
                modes = np.column_stack([random.integers(0, size, 3) for size in sizes]).astype(np.int16)
                modes[:, 2] = random.integers(60, 80, 3)
                strokes.append((codes, modes, hops * HOP - 100))
    facts = KitFacts(
        KIT_FORMAT,
        codec,
        name,
        name.title(),
        "CC0 1.0",
        "nobody",
        "noise of an untrained network",
        choke_groups=(HATS,),
    )
    return CodedKit(facts, np.array(layers, LAYER), *join_strokes(strokes))


def make(folder: Path, precision: str = "fp32") -> ExportReport:
    """Export it to `folder`, with its kits."""
    facts = BundleFacts("tiny", "CC0 1.0", (), Training(("none: untrained",)))
    report = export_bundle(tiny_codec(), facts, folder, precision=precision)
    (folder / "kits").mkdir()
    for seed, name in enumerate(KITS):
        write_kit(tiny_kit(name, report.manifest.codec, seed), folder / "kits" / f"{name}{SUFFIX}")
    return report


if __name__ == "__main__":
    make(TINY, "fp16")
