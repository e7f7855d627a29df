"""Writes tests/data/tiny_bundle: the real graphs at toy size with untrained weights, for tests that need no torch.

python -m tests.support.tiny_bundle
"""

from pathlib import Path

import torch

from export.bundle_writer import BundleFacts, Report, export_bundle
from ghostnote.files.bundle import KitInfo, Training
from ghostnote.music.articulations import N_LANES, PIECES
from tests.support.paths import TINY
from training.codecs.drum_codec import CodecConfig, DrumCodec
from training.data.stroke_codes import StrokeCodes
from training.predictors.live import LiveConfig, LivePredictor
from training.predictors.memory import VELOCITIES

KITS = ("alpha", "beta", "gamma")


def tiny_networks(seed: int = 0) -> tuple[DrumCodec, LivePredictor]:
    """A codec of 4 books and a predictor of two blocks for three kits and two drummers, audible but untrained.

    The strokes that it knows by heart are random.
    """
    torch.manual_seed(seed)
    config = CodecConfig(
        latent=16,
        n_codebooks=4,
        codebook_size=32,
        width=24,
        hidden=32,
        encoder_dilations=(1,),
        decoder_dilations=(1, 2),
    )
    codec = DrumCodec(config)
    for book, layer in enumerate(codec.quantizer.vq.layers):
        layer._codebook.embed.normal_(std=0.6**book)
    torch.nn.init.normal_(codec.decoder.head.weight, std=0.02)
    predictor = LivePredictor(
        LiveConfig(width=24, hidden=32, dilations=(1, 4), embedding=8), len(KITS), 2, codec.codebooks
    )
    torch.nn.init.normal_(predictor.film.weight, std=0.3)
    torch.nn.init.normal_(predictor.drummer_embedding.weight, std=0.5)
    predictor.memory.learn(*random_strokes(len(KITS), books=4, size=32))
    torch.nn.init.normal_(predictor.rest.weight, std=0.3)
    return codec.eval(), predictor.eval()


def random_strokes(kits: int, books: int, size: int, nodes: int = 20) -> StrokeCodes:
    """Strokes of random codes, `nodes` each of which the first is silence, after one node of silence."""
    first = 1 + nodes * torch.arange(kits * N_LANES * len(VELOCITIES)).reshape(kits, N_LANES, len(VELOCITIES))
    codes = torch.randint(size, (1 + nodes * first.numel(), books))
    codes[first.flatten()] = codes[0].clone()
    return StrokeCodes(codes, first, first + nodes - 1)


def tiny_facts() -> BundleFacts:
    """What the tiny bundle says of itself."""
    ring = tuple(0.5 if piece == "hat" else 2.0 for piece in PIECES)
    said = ("noise of an untrained network", "CC0 1.0", "nobody")
    kits = tuple(KitInfo(name, name.title(), *said, piece_seconds=ring) for name in KITS)
    return BundleFacts("tiny", kits, ("any", "drummer1"), (0.5,) * 4, "CC0 1.0", (), Training(("none: untrained",)))


def make(folder: Path, precision: str = "fp32") -> Report:
    """Export it to `folder`."""
    return export_bundle(*tiny_networks(), tiny_facts(), folder, precision=precision)


if __name__ == "__main__":
    make(TINY)
