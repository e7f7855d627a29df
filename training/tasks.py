"""What the loop trains: a task owns its networks and says what one step and one validation are."""

from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from training.losses import (
    envelope_loss,
    stft_loss,
)

Logs = dict[str, float]


class Task(Protocol):
    """One kind of training."""

    @property
    def network(self) -> nn.Module:
        """What is averaged, saved and exported."""
        ...

    @property
    def extra(self) -> nn.Module:
        """Any other state needed to resume (a discriminator); may be empty."""
        ...

    @property
    def facts(self) -> dict[str, Any]:
        """The metadata of a checkpoint."""
        ...

    def prepare(self, fabric: Fabric, learning_rate: float, weight_decay: float) -> list[Optimizer]:
        """Move to the device; the optimisers of `network`, then of `extra` if it trains."""
        ...

    def step(self, fabric: Fabric, batch: Any, step: int, clip: float) -> Logs:
        """One optimiser step."""
        ...

    def validate(self, batch: Any) -> tuple[Logs, Tensor]:
        """Measures on unseen windows, and the rendered audio [B, 2, N]."""
        ...


def matrices_decay(
    module: nn.Module, learning_rate: float, weight_decay: float, slower: nn.Module | None = None, share: float = 1.0
) -> torch.optim.AdamW:
    """AdamW with decay on matrices only; the part `slower` learns at that share of the rate (`Trainer` keeps to it)."""
    careful = set(slower.parameters()) if slower else set[nn.Parameter]()
    groups: list[dict[str, Any]] = []
    for part in (False, True):
        parameters = [p for p in module.parameters() if p.requires_grad and (p in careful) == part]
        rate = share if part else 1.0
        groups += [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay, "share": rate},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0, "share": rate},
        ]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.95))


def used_share(codes: Tensor, size: int) -> float:
    """Smallest share over books of entries that a batch of codes uses."""
    return min(len(codes[..., k].unique()) / size for k in range(codes.shape[-1]))


def audio_logs(rendered: Tensor, reference: Tensor) -> Logs:
    """Spectral and envelope losses, spectral convergence (SEEDS 1.4, mono), level error [dB], flux loss."""
    mono_a, mono_b = rendered.mean(1), reference.mean(1)
    total = 0.0
    for size, hop in ((512, 128), (1024, 256), (2048, 512)):
        window = torch.hann_window(size, device=mono_a.device)
        a, b = (
            torch.stft(x, size, hop, window=window, center=False, return_complex=True).abs() for x in (mono_a, mono_b)
        )
        total += float(((a - b).norm(dim=(1, 2)) / b.norm(dim=(1, 2)).clamp_min(1e-6)).mean()) / 3
    level = 10 * torch.log10(rendered.square().mean() / reference.square().mean())
    envelope, flux = envelope_loss(rendered, reference)
    loss = stft_loss(rendered, reference)
    return {"loss": float(loss + envelope + flux), "sc": total, "level_db": float(level), "flux": float(flux)}
