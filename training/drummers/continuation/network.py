"""The continuation network: a causal Transformer over compound tokens that attends by musical time.

Attention turns queries and keys by the slot they stand on (rotary embedding, Su et al. 2021, with periods of 2 to 256
slots), so "the same place one bar ago" is one direction whatever the bar. The token that comes next is chosen part by
part: shift, then lane given the shift, then offset and velocity given both.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drummers.common.tokens import MAX_SLOTS, OFFSETS, VELOCITIES
from drummers.continuation.features import END, LOOK, MEMORY, N_WORDS, NEAR
from ghostnote.music.articulations import N_LANES

PLANES = 3


@dataclass(frozen=True)
class ContinuationConfig:
    """Sizes of the network."""

    width: int = 160
    layers: int = 4
    heads: int = 5
    dropout: float = 0.15


class Hidden(NamedTuple):
    """state [B, T, width]; shift logits [B, T, 25]; present [layers, 2, B, heads, N + T, width / heads]."""

    state: Tensor
    shift: Tensor
    present: Tensor


class Block(nn.Module):
    """Pre-norm attention and feed-forward."""

    def __init__(self, config: ContinuationConfig) -> None:
        super().__init__()
        self.heads, self.dropout = config.heads, config.dropout
        self.norm1, self.norm2 = nn.LayerNorm(config.width), nn.LayerNorm(config.width)
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)
        self.feed = nn.Sequential(
            nn.Linear(config.width, 4 * config.width), nn.GELU(), nn.Linear(4 * config.width, config.width)
        )
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, turn: Tensor, mask: Tensor, context: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """x [B, T, width], turn [2, B, 1, T, D], mask [T, N + T] added, context and past without layers.

        The context's columns are seen by all; it is the same for the whole batch, so it is multiplied as one.
        """
        batch, length, width = x.shape
        heads, size, shared = self.heads, width // self.heads, context.shape[3]
        q, k, v = self.qkv(self.norm1(x)).reshape(batch, length, 3, heads, size).permute(2, 0, 3, 1, 4).unbind(0)
        q, k = rotate(q, turn) * size**-0.5, rotate(k, turn)
        present = torch.cat([past, torch.stack([k, v])], dim=3)
        own = q @ present[0].transpose(-1, -2) + mask
        # Rows of all candidates side by side: [heads, B * T, columns].
        own = own.transpose(0, 1).reshape(heads, batch * length, -1)
        rows = q.transpose(0, 1).reshape(heads, batch * length, size)
        weight = torch.cat([rows @ context[0, 0].transpose(-1, -2), own], dim=-1).softmax(-1)
        shared_sum = (weight[..., :shared] @ context[1, 0]).reshape(heads, batch, length, size).transpose(0, 1)
        own = weight[..., shared:].reshape(heads, batch, length, -1).transpose(0, 1)
        mixed = (shared_sum + own @ present[1]).transpose(1, 2).reshape(batch, length, width)
        x = x + self.drop(self.out(mixed))
        return x + self.drop(self.feed(self.norm2(x))), present


def rotate(x: Tensor, turn: Tensor) -> Tensor:
    """Turn the two halves of the last axis against each other by the angles of `turn` (cosines and sines)."""
    a, b = x.chunk(2, dim=-1)
    return x * turn[0] + torch.cat([-b, a], dim=-1) * turn[1]


class ContinuationNet(nn.Module):
    """See the module. All inputs are those of `drummers.continuation.features`."""

    def __init__(self, config: ContinuationConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        sizes = (N_WORDS, N_LANES + 1, VELOCITIES + 1, OFFSETS + 1, MAX_SLOTS, MEMORY + 1)
        self.tables = nn.ModuleList(nn.Embedding(size, width) for size in sizes)
        self.echo = nn.Linear(PLANES * LOOK * N_LANES, width)
        self.drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.shift = nn.Linear(width, END + 1)
        self.point = nn.Linear(PLANES * N_LANES, 48)
        self.point_state = nn.Linear(width, 48)
        self.point_out = nn.Linear(48, 1)
        self.lane_in = nn.Linear(width + PLANES * N_LANES, width)
        self.lane_shift = nn.Embedding(END, width)
        self.lane_out = nn.Linear(width, N_LANES)
        self.feel_in = nn.Linear(width + NEAR, width)
        self.feel_shift = nn.Embedding(END, width)
        self.feel_lane = nn.Embedding(N_LANES, width)
        self.feel_out = nn.Linear(width, OFFSETS + VELOCITIES)
        periods = 2.0 ** torch.linspace(1, 8, width // config.heads // 2)
        self.register_buffer("speed", 2 * torch.pi / periods)
        for table in (*self.tables, self.lane_shift, self.feel_shift, self.feel_lane):
            nn.init.normal_(table.weight, std=0.05)  # type: ignore[arg-type]

    def forward(self, fields: Tensor, time: Tensor, echo: Tensor, context: Tensor, past: Tensor) -> Hidden:
        """fields [B, T, 6], time [B, T], echo [B, T, 3, LOOK, 22].

        context [layers, 2, 1, heads, P, D] are keys and values that all of the batch share, past
        [layers, 2, B, heads, N, D] those of its own, as `Hidden.present` gives them; P and N may be 0.
        """
        x = sum((table(fields[..., i]) for i, table in enumerate(self.tables)), self.echo(echo.flatten(2)))
        x = self.drop(x)
        angle = (time[..., None] * self.get_buffer("speed")).repeat(1, 1, 2)
        turn = torch.stack([angle.cos(), angle.sin()])[:, :, None]
        length, before = fields.shape[1], past.shape[4]
        key = torch.arange(before + length)
        mask = (key[None] > before + torch.arange(length)[:, None]).to(x.dtype) * -1e9
        present: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            x, columns = block(x, turn, mask, context[index], past[index])
            present.append(columns)
        state = self.norm(x)
        pointed = F.gelu(self.point(echo.transpose(2, 3).flatten(3)) + self.point_state(state)[:, :, None])
        shift = self.shift(state) + F.pad(self.point_out(pointed).squeeze(-1), (0, END + 1 - LOOK))
        return Hidden(state, shift, torch.stack(present))

    def lane(self, state: Tensor, shift: Tensor, echo: Tensor) -> Tensor:
        """Lane logits [..., 22]; shift [...] 0..23, echo [..., 3, 22] at the shifted slot."""
        return self.lane_out(F.gelu(self.lane_in(torch.cat([state, echo.flatten(-2)], -1)) + self.lane_shift(shift)))

    def feel(self, state: Tensor, shift: Tensor, lane: Tensor, near: Tensor) -> Tensor:
        """Offset and velocity logits, joined [..., 24 + 32]; near [..., NEAR] of the chosen slot and lane."""
        inside = self.feel_in(torch.cat([state, near], -1)) + self.feel_shift(shift) + self.feel_lane(lane)
        return self.feel_out(F.gelu(inside))

    def no_past(self, batch: int) -> Tensor:
        """An empty past; with batch 1 also an empty context."""
        c = self.config
        return torch.zeros(c.layers, 2, batch, c.heads, 0, c.width // c.heads)
