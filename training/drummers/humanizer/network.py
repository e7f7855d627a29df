"""The humaniser's network: from a hit, the pattern around it and what was played, how it is played.

Offset first, then velocity given that offset; both as distributions over classes. What does not depend on the playing
(`context`) is computed for a whole pattern at once, the rest (`step`) hit by hit.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from drummers.humanizer.bins import N_OFFSETS, N_VELOCITIES
from drummers.humanizer.features import HISTORY

NEAR_OFFSET: Final = 0.02
"""Seconds that an offset is measured in as input of the velocity's head."""


@dataclass(frozen=True)
class HumanizerSize:
    """Widths of the network."""

    columns: int
    width: int = 192
    dropout: float = 0.15


class HumanizerNet(nn.Module):
    """context [n, columns] and history [n, HISTORY] to logits of offset and, given the offset, of velocity."""

    def __init__(self, size: HumanizerSize) -> None:
        super().__init__()
        width = size.width
        self.size = size
        self.pattern = nn.Sequential(nn.Linear(size.columns, width), nn.GELU(), nn.Linear(width, width))
        self.playing = nn.Linear(HISTORY, width)
        self.body = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Dropout(size.dropout), nn.Linear(width, width)
        )
        self.to_offset = nn.Sequential(nn.LayerNorm(width), nn.GELU(), nn.Linear(width, N_OFFSETS))
        self.of_offset = nn.Linear(2, width)
        self.to_velocity = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, N_VELOCITIES)
        )
        self.dropout = nn.Dropout(size.dropout)

    def context(self, rows: Tensor) -> Tensor:
        """Features of the pattern [n, columns] to hidden states [n, width]."""
        return self.dropout(self.pattern(rows))

    def timing(self, hidden: Tensor, history: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden states of hits [n, width] and histories [n, HISTORY] to offset logits [n, 64] and states."""
        state = hidden + self.playing(history)
        state = state + self.body(state)
        return self.to_offset(state), state

    def loudness(self, state: Tensor, offset: Tensor) -> Tensor:
        """States of `timing` and the offsets [n] [s] that were drawn to velocity logits [n, 64]."""
        late = offset[:, None] / NEAR_OFFSET
        return self.to_velocity(state + self.of_offset(torch.cat([late, late.abs()], dim=1)))

    def losses(self, rows: Tensor, history: Tensor, offset: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Mean cross entropies [nats] of offset and velocity; `targets` [n, 2] are their classes."""
        logits, state = self.timing(self.context(rows), history)
        return F.cross_entropy(logits, targets[:, 0]), F.cross_entropy(self.loudness(state, offset), targets[:, 1])
