"""Training of the codec of struck sounds by likelihood, at last also against a discriminator."""

from dataclasses import dataclass, field
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from codec.frames import HOP
from evaluation.sound.codebooks import perplexities
from training.codecs.encodec_import import MultiScaleSTFTDiscriminator
from training.codecs.struck_codec import StruckCodec, StruckConfig, frames_of, left_right, shaped_noise
from training.codecs.struck_loss import RESOLUTIONS, StruckLoss, StruckLossConfig, struck_loss
from training.data.strokes import StrokeBatch
from training.losses import Balancer, discriminator_loss, generator_losses
from training.recipe import Recipe
from training.tasks import Logs, matrices_decay


@dataclass(frozen=True)
class CodecPhase:
    """Table [phase] of a codec recipe: what of the codec learns, and against what."""

    decoder_only: bool = False
    """Encoder and codebooks stay, so codes stay valid."""
    book_dropout: float = 0.25
    """Share of batches that use the first few books only."""
    least_books: int = 4
    adversarial_from: int = -1
    """Step at which the discriminator starts; -1: never."""
    adversarial_weight: float = 0.05
    discriminator_filters: int = 16


@dataclass
class CodecTask:
    """See the module."""

    recipe: Recipe
    network: StruckCodec = field(init=False)
    extra: nn.Module = field(init=False)

    def __post_init__(self) -> None:
        self.phase = self.recipe.table("phase", CodecPhase)
        self.loss = StruckLoss(self.recipe.table("loss", StruckLossConfig))
        self.network = StruckCodec(self.recipe.table("model", StruckConfig))
        if self.phase.decoder_only:
            for part in (self.network.encoder, self.network.quantizer):
                part.requires_grad_(False)
        self.extra = nn.Module()
        if self.phase.adversarial_from >= 0:
            self.extra = MultiScaleSTFTDiscriminator(filters=self.phase.discriminator_filters, in_channels=2)
        self.balancer = Balancer({"adversarial": 1.0, "feature": 1.0})
        self.facts: dict[str, Any] = {}

    def prepare(self, fabric: Fabric, learning_rate: float, weight_decay: float) -> list[Optimizer]:
        """See `Task.prepare`."""
        self.loss.to(fabric.device)
        self.random = torch.Generator().manual_seed(self.recipe.run.seed)
        self.optimizer = matrices_decay(self.network, learning_rate, weight_decay)
        self.wrapped, self.optimizer = fabric.setup(self.network, self.optimizer)
        self._freeze()
        if self.phase.adversarial_from < 0:
            return [self.optimizer]
        judge = torch.optim.AdamW(self.extra.parameters(), learning_rate, betas=(0.5, 0.9))
        self.judge, self.judge_optimizer = fabric.setup(self.extra, judge)
        return [self.optimizer, self.judge_optimizer]

    def _freeze(self) -> None:
        """The quantiser's entries move in training mode; where they shall stay it must not be in it."""
        if self.phase.decoder_only:
            self.network.quantizer.eval()

    def step(self, fabric: Fabric, batch: StrokeBatch, step: int, clip: float) -> Logs:
        """See `Task.step`."""
        self._freeze()
        total, logs, said = self._likelihood(batch, step)
        fabric.backward(total, retain_graph=0 <= self.phase.adversarial_from <= step)
        if 0 <= self.phase.adversarial_from <= step:
            logs |= self._against_judge(fabric, batch, said)
        fabric.clip_gradients(self.wrapped, self.optimizer, max_norm=clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return logs

    def _likelihood(self, batch: StrokeBatch, step: int) -> tuple[Tensor, Logs, tuple[Tensor, Tensor]]:
        count = self.loss.config.resolutions_per_step
        sizes = tuple(RESOLUTIONS[(step + n) % len(RESOLUTIONS)] for n in range(count))
        wave, log_gains, penalty = self.wrapped(batch.rest, self._books())
        log_gains = log_gains.float()
        total, logs = self.loss(batch.audio, batch.rest, wave, log_gains, sizes)
        return total + self.loss.config.commitment * penalty, logs, (wave, log_gains)

    def _books(self) -> int | None:
        if torch.rand((), generator=self.random) >= self.phase.book_dropout:
            return None
        books = self.network.config.books
        least = min(self.phase.least_books, books - 1)
        return int(torch.randint(least, books, (), generator=self.random)) if least < books else None

    def _against_judge(self, fabric: Fabric, batch: StrokeBatch, said: tuple[Tensor, Tensor]) -> Logs:
        """Discriminator and generator steps on the whole sound with the noise drawn."""
        wave, log_gains = said
        modes = batch.audio - batch.rest
        sound = wave + shaped_noise(log_gains)[..., HOP:] + modes
        fake, real = left_right(sound), left_right(batch.audio)
        judged = discriminator_loss(self.judge(real)[0], self.judge(fake.detach())[0])
        self.judge_optimizer.zero_grad()
        fabric.backward(judged)
        self.judge_optimizer.step()
        self.judge_optimizer.zero_grad()
        guesses, maps = self.judge(fake)
        losses = generator_losses(guesses, maps, self.judge(real)[1])
        gradient = self.balancer.backward(losses, fake) * self.phase.adversarial_weight
        fabric.backward((fake * gradient).sum())
        return {"discriminator": judged.item(), **{name: loss.item() for name, loss in losses.items()}}

    @torch.no_grad()
    def validate(self, batch: StrokeBatch) -> tuple[Logs, Tensor]:
        """See `Task.validate`."""
        latent = self.network.encoder(frames_of(batch.rest)).float()
        codes = self.network.quantizer.vq.encode(latent.transpose(1, 2))
        total, logs = struck_loss(self.network, self.loss, batch.audio, batch.rest, None, RESOLUTIONS)
        wave, log_gains, _ = self.network(batch.rest)
        sound = wave + shaped_noise(log_gains.float())[..., HOP:] + batch.audio - batch.rest
        used = perplexities(codes.flatten(1).T.cpu().numpy(), self.network.codebook_size).min()
        return {"loss": float(total), **logs, "perplexity": float(used)}, left_right(sound)
