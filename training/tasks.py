"""What the loop trains: a task owns its networks and says what one step and one validation are."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from evaluation.sound.codebooks import perplexities
from training.codecs.drum_codec import CodecConfig, DrumCodec
from training.codecs.encodec_import import MultiScaleSTFTDiscriminator
from training.data.windows import WindowBatch
from training.losses import (
    Balancer,
    discriminator_loss,
    envelope_loss,
    generator_losses,
    resolutions_of_step,
    stft_loss,
    wave_loss,
)
from training.recipe import Recipe

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


@dataclass(frozen=True)
class CodecLossConfig:
    """Table [loss] of a codec recipe."""

    wave: float = 0.1
    envelope: float = 0.3
    flux: float = 0.6
    """Weights of the two parts of `envelope_loss`."""
    commitment: float = 0.25
    adversarial_from: int = -1
    """Step at which the discriminator starts; -1: never."""
    discriminator_filters: int = 8


@dataclass
class CodecTask:
    """The drum codec by spectral loss, later also by a multi-scale STFT discriminator under a gradient balancer."""

    recipe: Recipe
    network: DrumCodec = field(init=False)
    extra: nn.Module = field(init=False)

    def __post_init__(self) -> None:
        self.loss = self.recipe.table("loss", CodecLossConfig)
        self.network = DrumCodec(self.recipe.table("model", CodecConfig))
        self.extra = nn.Module()
        if self.loss.adversarial_from >= 0:
            self.extra = MultiScaleSTFTDiscriminator(filters=self.loss.discriminator_filters, in_channels=2)
        self.balancer = Balancer({"spectral": 1.0, "adversarial": 0.6, "feature": 0.6})
        self.facts: dict[str, Any] = {}

    def prepare(self, fabric: Fabric, learning_rate: float, weight_decay: float) -> list[Optimizer]:
        """See `Task.prepare`."""
        self.optimizer = matrices_decay(self.network, learning_rate, weight_decay)
        self.wrapped, self.optimizer = fabric.setup(self.network, self.optimizer)
        if self.loss.adversarial_from < 0:
            return [self.optimizer]
        judge = torch.optim.AdamW(self.extra.parameters(), learning_rate, betas=(0.5, 0.9))
        self.judge, self.judge_optimizer = fabric.setup(self.extra, judge)
        return [self.optimizer, self.judge_optimizer]

    def step(self, fabric: Fabric, batch: WindowBatch, step: int, clip: float) -> Logs:
        """See `Task.step`."""
        rendered, codes, penalty = self.wrapped(batch.audio)
        with fabric.autocast():
            spectral = stft_loss(rendered, batch.audio, resolutions_of_step(step))
            envelope, flux = envelope_loss(rendered, batch.audio)
        logs = {"spectral": spectral.item(), "envelope": envelope.item(), "flux": flux.item()}
        spectral = spectral + self.loss.envelope * envelope + self.loss.flux * flux
        spectral = spectral + self.loss.wave * wave_loss(rendered, batch.audio)
        logs |= {"used": used_share(codes, self.network.codebook_size)}
        if 0 <= self.loss.adversarial_from <= step:
            logs |= self._judge_step(fabric, batch.audio, rendered.detach())
            fake, fake_maps = self.judge(rendered)
            _, real_maps = self.judge(batch.audio)
            losses = {"spectral": spectral, **generator_losses(fake, fake_maps, real_maps)}
            logs |= {k: v.item() for k, v in losses.items()}
            gradient = self.balancer.backward(losses, rendered)
            surrogate = (rendered * gradient).sum() + self.loss.commitment * penalty
        else:
            surrogate = spectral + self.loss.commitment * penalty
        fabric.backward(surrogate)
        fabric.clip_gradients(self.wrapped, self.optimizer, max_norm=clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return logs

    def _judge_step(self, fabric: Fabric, real: Tensor, fake: Tensor) -> Logs:
        loss = discriminator_loss(self.judge(real)[0], self.judge(fake)[0])
        self.judge_optimizer.zero_grad()
        fabric.backward(loss)
        self.judge_optimizer.step()
        self.judge_optimizer.zero_grad()
        return {"discriminator": loss.item()}

    @torch.no_grad()
    def validate(self, batch: WindowBatch) -> tuple[Logs, Tensor]:
        """See `Task.validate`."""
        codes = self.network.encode(batch.audio)
        rendered = self.network.decode(codes)
        logs = audio_logs(rendered, batch.audio)
        logs["perplexity"] = float(perplexities(codes.flatten(0, 1).cpu().numpy(), self.network.codebook_size).min())
        return logs, rendered


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
