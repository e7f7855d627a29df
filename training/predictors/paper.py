"""The paper's predictors Base and Large (arXiv 2605.10281, SEEDS 1.3), rebuilt as baselines on our codec's codes.

A whole window at once: grid, beat, position, tempo, drummer and kit are added up and go through a bidirectional,
post-norm Transformer; one linear layer gives every book's scores independently. What SEEDS 1.7 finds at fault (unscaled
embeddings, raw log tempo, no final norm) is kept on purpose.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from ghostnote.errors import InputError
from ghostnote.music.grid import N_COLUMNS
from ghostnote.music.paper_grid import BEATS, N_FEATURES

GRID_WIDTH: Final = {"paper": N_FEATURES, "lane-state": N_COLUMNS}


@dataclass(frozen=True)
class PaperConfig:
    """Sizes; the defaults are Base, Large is width 1536, layers 10, heads 12."""

    width: int = 768
    layers: int = 6
    heads: int = 8
    feed_forward: int = 4
    """Times `width`."""
    dropout: float = 0.1
    positions: int = 4096
    """Longest window [rows]."""
    grid: str = "paper"
    """"paper", or "lane-state": our grid in the paper's network."""

    def __post_init__(self) -> None:
        if self.grid not in GRID_WIDTH:
            raise InputError(f"grid {self.grid!r} is not known; use {' or '.join(GRID_WIDTH)}")
        if self.width % self.heads:
            raise InputError(f"width {self.width} does not divide into {self.heads} heads")


class PaperPredictor(nn.Module):
    """Base or Large. Each book has one class more than it has codes: PAD = codebook_size, used outside the window."""

    def __init__(self, config: PaperConfig, kits: int, drummers: int, n_codebooks: int, codebook_size: int) -> None:
        """`kits`, `drummers`: numbers of ids, the unknown one included."""
        super().__init__()
        self.config, self.n_codebooks, self.pad = config, n_codebooks, codebook_size
        self.inlet = nn.Linear(GRID_WIDTH[config.grid], config.width)
        self.beat = nn.Embedding(BEATS, config.width)
        self.position = nn.Embedding(config.positions, config.width)
        self.tempo = nn.Linear(1, config.width)
        self.drummer = nn.Embedding(drummers, config.width)
        self.kit = nn.Embedding(kits, config.width)
        self.dropout = nn.Dropout(config.dropout)
        layer = nn.TransformerEncoderLayer(
            config.width, config.heads, config.feed_forward * config.width, config.dropout, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)
        self.head = nn.Linear(config.width, n_codebooks * (codebook_size + 1))

    def forward(
        self, grid: Tensor, beat: Tensor, bpm: Tensor, kit: Tensor, drummer: Tensor, padding: Tensor | None = None
    ) -> Tensor:
        """Scores [B, T, books, codes + 1].

        grid [B, T, columns], beat [B, T] 0..3, bpm [B], kit and drummer [B] ids, padding [B, T] true outside the
        window. T above `positions` raises InputError.
        """
        rows = grid.shape[1]
        if rows > self.config.positions:
            raise InputError(f"a window of {rows} rows; this predictor knows at most {self.config.positions}")
        condition = self.tempo(torch.log1p(bpm)[:, None]) + self.drummer(drummer) + self.kit(kit)
        x = self.inlet(grid) + self.beat(beat) + self.position.weight[:rows] + condition[:, None]
        x = self.encoder(self.dropout(x), src_key_padding_mask=padding)
        return self.head(x).unflatten(-1, (self.n_codebooks, self.pad + 1))

    def codes(self, scores: Tensor) -> Tensor:
        """The likeliest codes [B, T, books]; PAD becomes code 0, as published."""
        best = scores.argmax(-1)
        return torch.where(best == self.pad, 0, best)
