"""How much louder or softer than its model each kit comes out, measured on unseen performances.

Where the sound of a stroke cannot be known to the last detail, losses on spectra favour too little of it: our networks
play 1 to 3 dB too softly, each kit by its own amount. A gain per kit, kept in the manifest, makes up for that.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch.nn import functional as F

from training.data.windows import WindowConfig, WindowSource
from training.live_task import greedy

if TYPE_CHECKING:
    from ghostnote.performance import Performance
    from sampler.kit import Kit
    from training.codecs.drum_codec import DrumCodec
    from training.predictors.live import LivePredictor

SECONDS: Final = 4.0
SETTLING: Final = 1.0
"""Time at a window's start that is left out [s]: the networks start from silence there, the kit does not."""
LARGEST_DB: Final = 6.0


@torch.no_grad()
def kit_gains(
    codec: "DrumCodec",
    predictor: "LivePredictor",
    performances: Sequence["Performance"],
    kits: Sequence["Kit"],
    windows: int = 12,
) -> tuple[float, ...]:
    """Gain [dB] of each kit, in the network's order, that brings its mean level error over `windows` windows to 0.

    At most 6 dB either way; windows in which the kit is silent do not count.
    """
    hop, rate = codec.hop, codec.sample_rate
    rows = round(SECONDS * rate / hop)
    config = replace(WindowConfig(rows=rows, hop=hop), drill_share=0.0, solo_share=0.0, tail_share=0.0)
    first = round(SETTLING * rate)
    gains: list[float] = []
    for index, kit in enumerate(kits):
        batch = WindowSource(performances, [kit], config).batch(index, 0, windows)
        which = F.one_hot(torch.full((windows,), index), len(kits)).float()
        latent, corrections = predictor(batch.grid, which, torch.zeros(windows, dtype=torch.long))
        rendered = codec.decode(greedy(predictor, latent, corrections))
        ours, truth = (audio[..., first:].square().mean((1, 2)).numpy() for audio in (rendered, batch.audio))
        heard = truth > 1e-8
        error = 10 * np.log10(np.maximum(ours[heard], 1e-10) / truth[heard])
        gains.append(float(np.clip(-error.mean(), -LARGEST_DB, LARGEST_DB)) if heard.any() else 0.0)
    return tuple(gains)
