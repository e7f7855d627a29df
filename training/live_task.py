"""Training of the live predictor on a finished codec, together with a last polish of the codec's decoder.

Cross-entropy of the codes pulls the predicted latent to the codec's; its weight then falls, and the spectral loss of
the decoded prediction, passed straight through the quantiser, decides: it does not punish a phase that the grid cannot
know, which cross-entropy answers with an average and so with too little level. The decoder trains along on predicted
and, every third step, on the encoder's own codes; encoder and codebooks stay fixed, so codes keep their meaning.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from sampler.kit import Kit
from training.checkpoints import load_codec
from training.codecs.drum_codec import DrumCodec, sum_codes
from training.data.stroke_codes import stroke_codes
from training.data.windows import DRUMMERS, WindowBatch
from training.losses import (
    band_level_loss,
    below_1_khz,
    envelope_loss,
    resolutions_of_step,
    stft_loss,
    wave_loss,
)
from training.predictors.live import LiveConfig, LivePredictor
from training.recipe import Recipe
from training.tasks import Logs, audio_logs, matrices_decay

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LiveLossConfig:
    """Table [loss] of a live recipe."""

    codes: float = 1.0
    """Weight of the cross-entropy at the start (nats per code)."""
    codes_floor: float = 0.03
    codes_steps: int = 1500
    """Steps over which the weight falls to its floor."""
    spectral: float = 1.0
    level: float = 0.1
    """Weight of the band level loss."""
    low_wave: float = 0.0
    """Weight of the waveform loss below 1 kHz, which is sensitive to the position inside the hop."""
    envelope: float = 0.3
    flux: float = 0.6
    """Weights of the two parts of `envelope_loss`."""
    decoder: float = 1.0
    """Learning rate of the decoder as a share of the predictor's."""
    oracle_every: int = 3
    """Every n-th step the decoder trains on the encoder's codes."""


class LiveNetworks(nn.Module):
    """Codec and predictor as one network: what is averaged, saved and exported."""

    def __init__(self, codec: DrumCodec, predictor: LivePredictor) -> None:
        super().__init__()
        self.codec, self.predictor = codec, predictor
        for part in (codec.encoder, codec.quantizer):
            part.requires_grad_(False)

    def decode(self, latent: Tensor) -> Tensor:
        """latent [B, T, D] -> audio [B, 2, N], from silence."""
        return self.codec.decoder(latent, self.codec.decoder.initial_state(len(latent), latent))[0].transpose(1, 2)

    def forward(self, grid_bits: Tensor, kit: Tensor, drummer: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Audio of the greedily chosen codes, and the cross-entropy [K] of the true ones.

        `grid_bits` is the grid viewed as int32: Fabric would round floats to bf16, from which no age can be read.
        """
        latent, corrections = self.predictor(grid_bits.view(torch.float32), kit, drummer)
        latent, corrections = latent.float(), corrections.float()
        with torch.autocast(codes.device.type, enabled=False):
            entropy = cross_entropy(self.predictor, latent, corrections, codes)
            quantised = sum_codes(self.codec.codebooks, greedy(self.predictor, latent, corrections))
        return self.decode(latent + (quantised - latent).detach()), entropy


def cross_entropy(predictor: LivePredictor, latent: Tensor, corrections: Tensor, codes: Tensor) -> Tensor:
    """Mean negative log-likelihood [K] of codes [B, T, K], each given the ones before it."""
    matrices, offsets = predictor.scoring()
    left, parts = latent, list[Tensor]()
    for book, correction in enumerate(corrections.split(latent.shape[-1], dim=-1)):
        scores = torch.matmul(left + correction, matrices[book]) + offsets[book]
        parts.append(F.cross_entropy(scores.flatten(0, 1), codes[..., book].flatten()))
        left = left - predictor.codebooks[book][codes[..., book]]
    return torch.stack(parts)


@torch.no_grad()
def greedy(predictor: LivePredictor, latent: Tensor, corrections: Tensor) -> Tensor:
    """The likeliest codes book by book."""
    books = len(predictor.sharpness)
    none = torch.zeros(1, device=latent.device)
    return predictor.choose(latent, corrections, none.expand(books), none.view(1, 1, 1, 1).expand(1, 1, books, 1))


def _tell(kits: int) -> None:
    _log.info("every stroke of %d kits encoded", kits)


@dataclass
class LiveTask:
    """See the module."""

    recipe: Recipe
    kits: Sequence[Kit]
    codec_path: Path
    network: LiveNetworks = field(init=False)
    extra: nn.Module = field(init=False)

    def __post_init__(self) -> None:
        self.loss = self.recipe.table("loss", LiveLossConfig)
        codec = load_codec(self.codec_path)
        config = self.recipe.table("model", LiveConfig)
        predictor = LivePredictor(config, len(self.kits), DRUMMERS, codec.codebooks)
        self.network, self.extra = LiveNetworks(codec, predictor), nn.Module()
        self.recipe.tables["codec_model"] = asdict(codec.config)

    @property
    def facts(self) -> dict[str, Any]:
        """The metadata of the checkpoint."""
        return {"drummers": DRUMMERS}

    def prepare(self, fabric: Fabric, learning_rate: float, weight_decay: float) -> list[Optimizer]:
        """See `Task.prepare`."""
        self.network.codec.encoder.eval()
        self.network.codec.quantizer.eval()
        decoder, share = self.network.codec.decoder, self.loss.decoder
        optimizer = matrices_decay(self.network, learning_rate, weight_decay, decoder, share)
        self.wrapped, self.optimizer = fabric.setup(self.network, optimizer)
        self.wrapped.mark_forward_method("decode")
        return [self.optimizer]

    def step(self, fabric: Fabric, batch: WindowBatch, step: int, clip: float) -> Logs:
        """See `Task.step`; the first also fills the stroke memory, which takes minutes on one core."""
        self.network.codec.quantizer.eval()
        if not self.network.predictor.memory.codes.any():
            with fabric.autocast():
                self.network.predictor.memory.learn(*stroke_codes(self.network.codec, self.kits, _tell))
        with torch.no_grad(), fabric.autocast():
            codes = self.network.codec.encode(batch.audio)
        kit = F.one_hot(batch.kit, len(self.kits)).float()
        resolutions = resolutions_of_step(step)
        if self.loss.oracle_every and step % self.loss.oracle_every == self.loss.oracle_every - 1:
            rendered = self.wrapped.decode(self.network.codec.dequantize(codes))
            with fabric.autocast():
                oracle = stft_loss(rendered, batch.audio, resolutions)
            total, logs = oracle, {"oracle": oracle.item()}
        else:
            rendered, entropy = self.wrapped(batch.grid.view(torch.int32), kit, batch.drummer, codes)
            with fabric.autocast():
                spectral = stft_loss(rendered, batch.audio, resolutions)
            fall = max(0.0, 1 - step / self.loss.codes_steps)
            weight = self.loss.codes_floor + (self.loss.codes - self.loss.codes_floor) * fall
            total = self.loss.spectral * spectral + weight * entropy.mean()
            logs = {"spectral": spectral.item(), "nll": entropy.mean().item()}
        with fabric.autocast():
            envelope, flux = envelope_loss(rendered, batch.audio)
            total = total + self.loss.level * band_level_loss(rendered, batch.audio)
        if self.loss.low_wave:
            total = total + self.loss.low_wave * wave_loss(below_1_khz(rendered), below_1_khz(batch.audio))
        total = total + self.loss.envelope * envelope + self.loss.flux * flux
        fabric.backward(total)
        fabric.clip_gradients(self.wrapped, self.optimizer, max_norm=clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return logs

    @torch.no_grad()
    def validate(self, batch: WindowBatch) -> tuple[Logs, Tensor]:
        """See `Task.validate`; `shuffled` is the loss with another window's grid, a check that the grid is used."""
        codes = self.network.codec.encode(batch.audio)
        kit = F.one_hot(batch.kit, len(self.kits)).float()
        rendered, entropy = self.network(batch.grid.view(torch.int32), kit, batch.drummer, codes)
        wrong, _ = self.network(batch.grid.roll(1, 0).view(torch.int32), kit, batch.drummer, codes)
        logs = audio_logs(rendered, batch.audio)
        logs |= {"nll": float(entropy.mean()), "shuffled": float(stft_loss(wrong, batch.audio))}
        logs["oracle_sc"] = audio_logs(self.network.codec.decode(codes), batch.audio)["sc"]
        return logs, rendered
