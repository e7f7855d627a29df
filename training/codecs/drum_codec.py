"""Our causal frame-rate drum codec: 48 kHz stereo, one latent per hop, residual codebooks.

Encoder: the last `span` frames of mid and side, as samples and as log magnitudes, through causal blocks to a
64-dimensional latent; row n depends only on frames before (n + 1) * hop. Quantiser: `encodec`'s residual vector
quantiser (k-means start, EMA, dead codes restarted). Decoder: causal blocks and a linear head that emits 2 * hop
frames, the second half overlap-added to the next hop (a head of one hop alone left faint horizontal bands). The
frame-rate design follows the Vocos and WaveNeXt family: in equal CPU time it made 6-7 times the steps of a SEANet
decoder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.codecs.quantizer import residual_quantizer
from training.nets.causal import CausalStack, Past


@dataclass(frozen=True)
class CodecConfig:
    """Sizes of the codec."""

    sample_rate: int = 48_000
    channels: int = 2
    hop: int = 256
    span: int = 1024
    """Frames the encoder sees at each row, the newest last."""
    latent: int = 64
    n_codebooks: int = 8
    codebook_size: int = 256
    width: int = 256
    hidden: int = 512
    encoder_dilations: tuple[int, ...] = (1, 2, 4, 8)
    decoder_dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 2)


class Encoder(nn.Module):
    """Audio -> latents [batch, rows, latent]."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.hop, self.span = config.hop, config.span
        bins = config.span // 2 + 1
        self.register_buffer("window", torch.hann_window(config.span), persistent=False)
        self.samples = nn.Linear(config.channels * config.span, config.width)
        self.spectrum = nn.Linear(config.channels * bins, config.width)
        self.stack = CausalStack(config.width, config.hidden, config.encoder_dilations)
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.latent)

    def forward(self, audio: Tensor) -> Tensor:
        """audio [B, channels, rows * hop] -> [B, rows, latent]."""
        both = torch.stack([audio.mean(1), (audio[:, 0] - audio[:, -1]) / 2], dim=1) if audio.shape[1] == 2 else audio
        frames = F.pad(both, (self.span - self.hop, 0)).unfold(-1, self.span, self.hop).transpose(1, 2)
        spectrum = torch.fft.rfft(frames * self.window).abs().clamp_min(1e-4).log()  # type: ignore[operator]
        x = self.samples(4.0 * frames.flatten(2)) + self.spectrum(0.25 * spectrum.flatten(2) + 1.0)
        x, _ = self.stack(x, self.stack.initial_state(len(x), x))
        return self.head(self.norm(x))


class Decoder(nn.Module):
    """Latents -> audio, whole or hop by hop; its state is the stack's and the overlapping tail."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.hop, self.channels = config.hop, config.channels
        self.inlet = nn.Linear(config.latent, config.width)
        self.stack = CausalStack(config.width, config.hidden, config.decoder_dilations)
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, 2 * config.hop * config.channels)
        nn.init.normal_(self.head.weight, std=0.02 * config.width**-0.5)
        nn.init.zeros_(self.head.bias)

    def initial_state(self, batch: int, like: Tensor) -> list[Tensor]:
        """Zeros: the blocks' pasts, then the tail [batch, hop, channels]."""
        tail = torch.zeros(batch, self.hop, self.channels, device=like.device)
        return [*self.stack.initial_state(batch, like), tail]

    def forward(self, latent: Tensor, state: Sequence[Past]) -> tuple[Tensor, list[Tensor]]:
        """latent [B, rows, latent] -> (audio [B, rows * hop, channels], new state)."""
        *pasts, tail = state
        assert isinstance(tail, Tensor)
        x, new = self.stack(self.inlet(latent), pasts)
        spans = self.head(self.norm(x)).float().unflatten(-1, (2, self.hop, self.channels))
        tails = torch.cat([tail.unsqueeze(1), spans[:, :, 1]], dim=1)
        audio = (spans[:, :, 0] + tails[:, :-1]).flatten(1, 2)
        return audio, [*new, tails[:, -1]]


class DrumCodec(nn.Module):
    """Encoder, quantiser and decoder; satisfies `Codec`."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.sample_rate, self.channels, self.hop = config.sample_rate, config.channels, config.hop
        self.n_codebooks, self.codebook_size = config.n_codebooks, config.codebook_size
        self.encoder = Encoder(config)
        self.quantizer = residual_quantizer(config.latent, config.n_codebooks, config.codebook_size)
        self.decoder = Decoder(config)

    @property
    def codebooks(self) -> Tensor:
        """[books, size, latent]."""
        return torch.stack([layer._codebook.embed for layer in cast(list[Any], list(self.quantizer.vq.layers))])

    def quantize(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """latent [B, T, D] -> (quantised with straight-through gradient, codes [B, T, books], commitment loss)."""
        with torch.autocast(latent.device.type, enabled=False):
            result = self.quantizer(latent.float().transpose(1, 2), self.sample_rate // self.hop)
        return result.quantized.transpose(1, 2), result.codes.permute(1, 2, 0), result.penalty

    def dequantize(self, codes: Tensor) -> Tensor:
        """codes [B, T, books] -> latents [B, T, D]: the sum of the chosen entries."""
        return sum_codes(self.codebooks, codes)

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """audio [B, channels, rows * hop] -> (reconstruction of the same shape, codes, commitment loss)."""
        latent, codes, penalty = self.quantize(self.encoder(audio))
        out, _ = self.decoder(latent, self.decoder.initial_state(len(latent), latent))
        return out.transpose(1, 2), codes, penalty

    @torch.no_grad()
    def encode(self, audio: Tensor) -> Tensor:
        """See `Codec.encode`."""
        latent = self.encoder(F.pad(audio, (0, -audio.shape[-1] % self.hop))).float()
        return self.quantizer.encode(latent.transpose(1, 2), self.sample_rate // self.hop).permute(1, 2, 0)

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Tensor:
        """See `Codec.decode`."""
        latent = self.dequantize(codes)
        return self.decoder(latent, self.decoder.initial_state(len(latent), latent))[0].transpose(1, 2)


def sum_codes(codebooks: Tensor, codes: Tensor) -> Tensor:
    """codebooks [K, V, D], codes [..., K] -> the sum of the chosen entries [..., D]."""
    books = torch.arange(codebooks.shape[0], device=codes.device)
    return codebooks[books, codes].sum(-2)
