"""How much louder or softer than its model each kit comes out, measured on unseen performances.

Where the sound of a stroke cannot be known to the last detail, losses on spectra favour too little of it: our networks
play most pieces too softly, by up to 6 dB, and few a little too loudly. Gains per piece, then one per kit, kept in the
manifest, make up for that.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor

from ghostnote.files.bundle import KitInfo
from ghostnote.music.articulations import PIECES
from ghostnote.music.grid import by_piece
from training.data.windows import WindowBatch, WindowConfig, WindowSource
from training.live_task import greedy

if TYPE_CHECKING:
    from ghostnote.music.performance import Performance
    from sampler.kit import Kit
    from training.codecs.drum_codec import DrumCodec
    from training.predictors.live import LivePredictor

SECONDS: Final = 4.0
SETTLING: Final = 1.0
"""Time at a window's start that is left out [s]: the networks start from silence there, the kit does not."""
LARGEST_DB: Final = 6.0
SILENT: Final = 1e-8
"""Mean square below which a window does not count."""


class Levels:
    """Measures kits one by one on windows of unseen performances."""

    def __init__(
        self, codec: "DrumCodec", predictor: "LivePredictor", performances: Sequence["Performance"], windows: int = 6
    ) -> None:
        self.codec, self.predictor, self.performances, self.windows = codec, predictor, performances, windows
        rows = round(SECONDS * codec.sample_rate / codec.hop)
        self.config = replace(WindowConfig(rows=rows, hop=codec.hop), drill_share=0.0, solo_share=0.0, tail_share=0.0)

    def even(self, info: KitInfo, kit: "Kit", index: int) -> KitInfo:
        """The kit, `index`th of the network, with gains [dB] that bring its mean level errors to 0, 6 dB at most."""
        pieces = tuple(self._piece_gain(piece, kit, index) for piece in PIECES)
        batch = WindowSource(self.performances, [kit], self.config).batch(index, 0, self.windows)
        errors: list[float] = []
        for grid, audio in zip(batch.grid, batch.audio, strict=True):
            sounding, grids = by_piece(grid.numpy())
            if sounding and self._power(audio) > SILENT:
                factors = torch.tensor([10 ** (pieces[piece] / 20) for piece in sounding])
                mix = (self._render(torch.from_numpy(grids), index) * factors[:, None, None]).sum(0)
                errors.append(_decibels(self._power(mix) / self._power(audio)))
        return replace(info, gain_db=_gain(errors), piece_db=pieces)

    def _piece_gain(self, piece: str, kit: "Kit", index: int) -> float:
        """Of all windows together, so that loud ones count most; 0 where nobody plays the piece."""
        solos = [take.only(piece) for take in self.performances]
        solos = [take for take in solos if len(take.hits)]
        if not solos:
            return 0.0
        batch: WindowBatch = WindowSource(solos, [kit], self.config).batch(index, 0, self.windows)
        ours, truth = self._power(self._render(batch.grid, index)), self._power(batch.audio)
        return _gain([_decibels(ours / truth)] if truth > SILENT else [])

    @torch.no_grad()
    def _render(self, grid: Tensor, index: int) -> Tensor:
        """Grids [B, T, columns] of one piece each -> audio [B, channels, frames]."""
        kit = torch.zeros(len(grid), self.predictor.kits)
        kit[:, index] = 1
        latent, corrections = self.predictor(grid, kit, torch.zeros(len(grid), dtype=torch.long))
        return self.codec.decode(greedy(self.predictor, latent, corrections))

    def _power(self, audio: Tensor) -> float:
        return float(audio[..., round(SETTLING * self.codec.sample_rate) :].square().mean())


def _decibels(ratio: float) -> float:
    return float(10 * np.log10(max(ratio, 1e-10)))


def _gain(errors: Sequence[float]) -> float:
    return round(float(np.clip(-np.mean(errors), -LARGEST_DB, LARGEST_DB)), 2) if errors else 0.0
