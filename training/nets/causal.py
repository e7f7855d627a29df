"""Causal frame-rate blocks with explicit streaming state.

Time runs at one row per hop, tensors are [batch, rows, channels]. A block needs the last 2 * dilation rows of its
normalised input; that is its whole state, [batch, 2 * dilation, channels], zeros at the start. Offline and streaming
use the same `forward`: whatever the cut into calls, the rows are the same.

Why dense three-tap convolutions instead of ConvNeXt's depthwise ones: as matrix products they run on the CPU's bf16
tile units; 6 blocks of 256 channels trained at 92x real time on one core against 69x (and 28x in fp32) for
depthwise blocks of the same parameter count.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Past = Tensor | tuple[Tensor, Tensor]
"""What a block remembers of its normalised input: the last 2d rows, and gives those of the next call. Or, for callers
that keep the rows themselves, the rows that lie 2d and d before those of the call, as far as they were before it,
[B, min(T, 2d), C] and [B, min(T, d), C], and gives the rows of the call."""


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

    def forward(self, x: Tensor, past: Past, rows: int, film: Sequence[Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """x [B, T, C] -> (y [B, T, C], new `Past`). `rows`: T.

        `film`: None, scale and shift [B or 1, 1, C] of what the norm gives, or [C] with the norm's own in them.
        """
        if film is not None and film[0].dim() == 1:
            y = F.layer_norm(x, self.norm.normalized_shape, film[0], film[1])
        else:
            y = self.norm(x) if film is None else self.norm(x) * film[0] + film[1]
        if isinstance(past, Tensor):
            d = self.dilation
            seen = torch.cat([past.to(y.dtype), y], dim=1)
            far, near, new = seen[:, : -2 * d], seen[:, d:-d], seen[:, -2 * d :]
        else:
            far, near = (torch.cat([before, y], dim=1)[:, :rows] for before in past)
            new = y
        return x + self.out(F.gelu(self.taps(torch.cat([far, near, y], dim=-1)))), new


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

    @property
    def lags(self) -> list[tuple[int, int]]:
        """How many rows ago each block looks back."""
        return [(2 * int(b.dilation), int(b.dilation)) for b in self.blocks]  # type: ignore[arg-type]

    def whole_film(self, film: Tensor) -> Tensor:
        """film [1, 1, blocks * 2C] of one condition with the blocks' own norms in it, [blocks * 2C]."""
        parts = film[0, 0].split(self.channels)
        norms = [block.norm for block in self.blocks]
        pairs = zip(norms, parts[::2], parts[1::2], strict=True)
        return torch.cat([part for norm, a, b in pairs for part in (norm.weight * a, norm.bias * a + b)])  # type: ignore[operator]

    def initial_state(self, batch: int, like: Tensor) -> list[Tensor]:
        """Zeros, on the device of `like`."""
        return [torch.zeros(batch, rows, width, device=like.device) for rows, width in self.state_shapes]

    def forward(self, x: Tensor, state: Sequence[Past], film: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """x [B, T, C], film [B or 1, 1, blocks * 2C], `whole_film` of it, or None -> (y [B, T, C], new state).

        `film` is scale and shift of each block in turn.
        """
        new, rows = list[Tensor](), x.shape[1]
        parts = film.split(self.channels, dim=-1) if film is not None else ()
        for index, block in enumerate(self.blocks):
            x, past = block(x, state[index], rows, parts[2 * index : 2 * index + 2] or None)
            new.append(past)
        return x, new
