"""Causal frame-rate blocks with explicit streaming state.

Time runs at one row per hop, tensors are [batch, rows, channels]. A block needs the last 2 * dilation rows of its
normalised input; that is its whole state, [batch, 2 * dilation, channels], zeros at the start. Offline and streaming
use the same `forward(x, past) -> (y, new past)`: whatever the cut into calls, the rows are the same.

Why dense three-tap convolutions instead of ConvNeXt's depthwise ones: as matrix products they run on the CPU's bf16
tile units; 6 blocks of 256 channels trained at 92x real time on one core against 69x (and 28x in fp32) for
depthwise blocks of the same parameter count.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class CausalBlock(nn.Module):
    """Residual block: norm, optional scale and shift (FiLM), three taps at distance `dilation`, two linear layers."""

    def __init__(self, channels: int, hidden: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = nn.LayerNorm(channels)
        self.taps = nn.Linear(3 * channels, hidden)
        self.out = nn.Linear(hidden, channels)
        nn.init.normal_(self.out.weight, std=0.1 * hidden**-0.5)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, past: Tensor, film: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x [B, T, C], past [B, 2d, C], film [B, 2C] or None -> (y [B, T, C], new past)."""
        y = self.norm(x)
        if film is not None:
            scale, shift = film.unsqueeze(1).chunk(2, dim=-1)
            y = y * (1 + scale) + shift
        d, rows = self.dilation, x.shape[1]
        seen = torch.cat([past.to(y.dtype), y], dim=1)
        taps = torch.cat([seen[:, :rows], seen[:, d : d + rows], y], dim=-1)
        return x + self.out(F.gelu(self.taps(taps))), seen[:, rows:]


class CausalStack(nn.Module):
    """Blocks in sequence; its state is the list of theirs."""

    def __init__(self, channels: int, hidden: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.channels = channels
        self.blocks = nn.ModuleList(CausalBlock(channels, hidden, d) for d in dilations)

    @property
    def state_shapes(self) -> list[tuple[int, int]]:
        """(rows, channels) of each block's past."""
        return [(2 * int(b.dilation), self.channels) for b in self.blocks]  # type: ignore[arg-type]

    def initial_state(self, batch: int, like: Tensor) -> list[Tensor]:
        """Zeros, on the device of `like`."""
        return [torch.zeros(batch, rows, width, device=like.device) for rows, width in self.state_shapes]

    def forward(self, x: Tensor, state: Sequence[Tensor], film: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """x [B, T, C], film [B, blocks, 2C] or None -> (y [B, T, C], new state)."""
        new: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            x, past = block(x, state[index], None if film is None else film[:, index])
            new.append(past)
        return x, new
