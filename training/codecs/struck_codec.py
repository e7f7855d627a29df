"""The codec of struck sounds: what is heard is a mean, the waveform below 12 kHz, and a variance, the noise around it.

The decoder says for each hop a short spectrum, of which the inverse transform is overlap-added, and the gains of a bank
of band noises. Both are trained by the likelihood of the sound under them (`training.codecs.struck_loss`): the mean
cannot imitate noise, because what it cannot know only costs; the gains take up exactly the energy that it leaves. No
constant of the network is ever heard, and similar codes do not give the same hop again, since the noise is drawn anew.
What rings steadily is taken out of the sound beforehand and sounded as it is (`codec.modes`).

Frame n spans the hops n and n + 1, n from -1: a stroke of T hops has T + 1 frames. Its encoder sees all frames of the
stroke; the decoder is causal. Mid (L + R) / 2 and side (L - R) / 2 throughout.
"""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from codec.bands import BANDS, SAMPLE_RATE, band_windows, erb_rate
from codec.frames import BOOK_SIZE, BOOKS, FRAME, HOP, KNOTS, LEAD
from codec.noise import BANK_HOPS, noise_bank
from training.codecs.quantizer import residual_quantizer

LOG_FLOOR = 1e-9
SUB_FRAME = 128


@dataclass(frozen=True)
class StruckConfig:
    """Sizes of the codec."""

    mid_bins: int = 128
    """Bins of 93.75 Hz in which the waveform of mid is coded, and of side."""
    side_bins: int = 64
    mid_scales: int = 16
    """Groups of these bins, equally wide on the ERB-rate scale, that share a scale."""
    side_scales: int = 8
    shapes: int = 8
    """Groups of noise bands that share a course of gain inside the hop."""
    latent: int = 128
    books: int = BOOKS
    book_size: int = BOOK_SIZE
    encoder_width: int = 448
    encoder_hidden: int = 896
    encoder_blocks: int = 6
    decoder_width: int = 256
    decoder_hidden: int = 512
    decoder_blocks: int = 5


class FrameFeatures(nn.Module):
    """What the encoder sees of a frame: scaled spectra of mid and side, band levels, levels inside the hop."""

    def __init__(self, config: StruckConfig) -> None:
        super().__init__()
        self.config = config
        window = np.sin(np.pi * (np.arange(FRAME) + 0.5) / FRAME)
        self.register_buffer("basis", _fourier(FRAME, window / np.sqrt(FRAME)), persistent=False)
        short = np.hanning(SUB_FRAME + 1)[:-1]
        self.register_buffer("short_basis", _fourier(SUB_FRAME, short), persistent=False)
        bands, short_bands = band_windows(FRAME // 2 + 1) ** 2, band_windows(SUB_FRAME // 2 + 1) ** 2
        self.register_buffer("bands", torch.from_numpy(bands.T.copy()), persistent=False)
        groups = np.zeros((SUB_FRAME // 2 + 1, config.shapes), np.float32)
        np.add.at(groups.T, shape_of_band(config), short_bands)
        self.register_buffer("short_groups", torch.from_numpy(groups), persistent=False)
        for name, bins, count in (
            ("mid", config.mid_bins, config.mid_scales),
            ("side", config.side_bins, config.side_scales),
        ):
            group = np.eye(count, dtype=np.float32)[scale_of_bin(bins, count)]
            self.register_buffer(f"{name}_groups", torch.from_numpy(group), persistent=False)

    @property
    def size(self) -> int:
        """Numbers per frame."""
        c = self.config
        spectra = 2 * c.mid_bins + 2 * c.side_bins + c.mid_scales + c.side_scales
        return spectra + 2 * BANDS + 2 * c.shapes * KNOTS

    def forward(self, frames: Tensor) -> Tensor:
        """frames [B, T + 1, 2, LEAD + FRAME] mid, side: of each the frame and what comes before -> [B, T + 1, size]."""
        c = self.config
        spectrum = frames[..., LEAD:] @ cast(Tensor, self.basis)
        real, imaginary = spectrum.split(FRAME // 2 + 1, dim=-1)
        power = real.square() + imaginary.square()
        parts: list[Tensor] = []
        for side, bins in enumerate((c.mid_bins, c.side_bins)):
            groups = cast(Tensor, self.side_groups if side else self.mid_groups)
            level = power[:, :, side, :bins] @ (groups / groups.sum(0)) + LOG_FLOOR
            scale = level.rsqrt() @ groups.T
            parts += [real[:, :, side, :bins] * scale, imaginary[:, :, side, :bins] * scale, 0.2 * level.log() + 1.5]
        parts.append((0.2 * (power @ cast(Tensor, self.bands) + LOG_FLOOR).log() + 1.5).flatten(2))
        parts.append(self._inside(frames))
        return torch.cat(parts, dim=-1)

    def _inside(self, frames: Tensor) -> Tensor:
        """Levels at the knots of the frame's first hop, [B, T + 1, 2 * shapes * knots]."""
        step = HOP // KNOTS
        short = torch.stack([frames[..., k * step : k * step + SUB_FRAME] for k in range(KNOTS)], dim=-2)
        real, imaginary = (short @ cast(Tensor, self.short_basis)).split(SUB_FRAME // 2 + 1, dim=-1)
        level = (real.square() + imaginary.square()) @ cast(Tensor, self.short_groups) + 1e-6
        return (0.2 * level.log() + 1.0).transpose(-1, -2).flatten(2)


class TapBlock(nn.Module):
    """Residual ConvNeXt block: depthwise taps, norm, two linear layers, a learnt small scale."""

    def __init__(self, width: int, hidden: int, taps: int) -> None:
        super().__init__()
        self.taps = nn.Parameter(torch.randn(taps, width) * taps**-0.5)
        self.bias = nn.Parameter(torch.zeros(width))
        self.norm = nn.LayerNorm(width)
        self.widen, self.narrow = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.scale = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x: Tensor, around: Tensor) -> Tensor:
        """x [B, T, width], around [B, T + taps - 1, width]: x and what the taps see beyond it."""
        # Shifted products instead of a convolution: its backward pass on a CPU took more time than all else.
        y = self.bias + around[:, : x.shape[1]] * self.taps[0]
        for tap in range(1, len(self.taps)):
            y = torch.addcmul(y, around[:, tap : tap + x.shape[1]], self.taps[tap])
        return x + self.scale * self.narrow(F.gelu(self.widen(self.norm(y))))


class StruckEncoder(nn.Module):
    """Frames of a stroke -> latents; sees all of them."""

    TAPS = 5

    def __init__(self, config: StruckConfig) -> None:
        super().__init__()
        self.features = FrameFeatures(config)
        self.inlet = nn.Linear(self.features.size, config.encoder_width)
        sizes = (config.encoder_width, config.encoder_hidden, self.TAPS)
        self.blocks = nn.ModuleList(TapBlock(*sizes) for _ in range(config.encoder_blocks))
        self.norm = nn.LayerNorm(config.encoder_width)
        self.head = nn.Linear(config.encoder_width, config.latent)

    def forward(self, frames: Tensor) -> Tensor:
        """As `FrameFeatures` takes -> [B, T + 1, latent]."""
        x = self.inlet(self.features(frames))
        for block in self.blocks:
            x = block(x, F.pad(x, (0, 0, self.TAPS // 2, self.TAPS // 2)))
        return self.head(self.norm(x))


@dataclass(frozen=True)
class Decoded:
    """What the decoder says of some frames."""

    mid: tuple[Tensor, Tensor]
    """Real and imaginary part of the wave's spectrum, [B, T, mid_bins] each."""
    side: tuple[Tensor, Tensor]
    log_gains: Tensor
    """Of the noise bands at the knots of the frame's first hop, [B, T, 2, BANDS, knots]; natural logarithms."""


class StruckDecoder(nn.Module):
    """Latents -> `Decoded`, whole or frame by frame."""

    TAPS = 4

    def __init__(self, config: StruckConfig) -> None:
        super().__init__()
        self.config, width = config, config.decoder_width
        self.inlet = nn.Linear(config.latent, width)
        sizes = (width, config.decoder_hidden, self.TAPS)
        self.blocks = nn.ModuleList(TapBlock(*sizes) for _ in range(config.decoder_blocks))
        self.norm = nn.LayerNorm(width)
        self.wave = nn.Linear(width, 2 * config.mid_bins + 2 * config.side_bins, bias=False)
        self.scale = nn.Linear(width, config.mid_scales + config.side_scales)
        self.gain = nn.Linear(width, 2 * BANDS)
        self.shape = nn.Linear(width, 2 * config.shapes * KNOTS)
        nn.init.constant_(self.scale.bias, -6.0)
        nn.init.constant_(self.gain.bias, -7.0)
        nn.init.normal_(self.shape.weight, std=0.01)
        nn.init.zeros_(self.shape.bias)
        for name, groups in (
            ("mid_scale", scale_of_bin(config.mid_bins, config.mid_scales)),
            ("side_scale", scale_of_bin(config.side_bins, config.side_scales)),
            ("band_shape", shape_of_band(config)),
        ):
            self.register_buffer(name, torch.from_numpy(groups), persistent=False)

    @property
    def past_rows(self) -> int:
        """Rows of all blocks together that the next frame needs."""
        return len(self.blocks) * (self.TAPS - 1)

    def initial_past(self, batch: int, like: Tensor) -> Tensor:
        """Zeros [batch, past_rows, width]."""
        return like.new_zeros(batch, self.past_rows, self.config.decoder_width)

    def forward(self, latent: Tensor, past: Tensor) -> tuple[Decoded, Tensor]:
        """latent [B, T, latent] (or [B, T, width], the inlet passed), past -> (what they say, new past)."""
        c, rows = self.config, self.TAPS - 1
        x = self.inlet(latent) if latent.shape[-1] == c.latent else latent
        new: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            around = torch.cat([past[:, index * rows : (index + 1) * rows].to(x.dtype), x], dim=1)
            new.append(around[:, -rows:])
            x = block(x, around)
        x = self.norm(x)
        wave, scale = self.wave(x).float(), self.scale(x).float().clamp(-12, 5).exp()
        mid, side = wave.split([2 * c.mid_bins, 2 * c.side_bins], dim=-1)
        mid_scale, side_scale = scale.split([c.mid_scales, c.side_scales], dim=-1)
        mid_scale, side_scale = mid_scale[..., self.mid_scale], side_scale[..., self.side_scale]
        course = self.shape(x).float().unflatten(-1, (2, c.shapes, KNOTS))[..., self.band_shape, :]
        return Decoded(
            (mid[..., : c.mid_bins] * mid_scale, mid[..., c.mid_bins :] * mid_scale),
            (side[..., : c.side_bins] * side_scale, side[..., c.side_bins :] * side_scale),
            (self.gain(x).float().unflatten(-1, (2, BANDS)).unsqueeze(-1) + course).clamp(-12.5, 4.0),
        ), torch.cat(new, dim=1)


class Overlap(nn.Module):
    """Spectra of frames -> waves: windowed inverse transforms, overlap-added, as two matrix products."""

    def __init__(self, config: StruckConfig) -> None:
        super().__init__()
        window = np.sin(np.pi * (np.arange(FRAME) + 0.5) / FRAME)
        basis = _fourier(FRAME, window / np.sqrt(FRAME)).T
        half = FRAME // 2 + 1
        for name, bins in (("mid", config.mid_bins), ("side", config.side_bins)):
            # Every bin but the first stands for its mirror image as well.
            twice = torch.full((bins, 1), 2.0)
            twice[0] = 1.0
            rows = torch.cat([basis[:bins] * twice, basis[half : half + bins] * twice])
            self.register_buffer(f"{name}_basis", rows, persistent=False)

    def forward(self, said: Decoded, tail: Tensor) -> tuple[Tensor, Tensor]:
        """-> (wave [B, 2, T * HOP] of the frames' first hops, new tail), tail [B, 2, HOP] of the frame before."""
        waves = [torch.cat(part, dim=-1) @ cast(Tensor, basis) for part, basis in
                 ((said.mid, self.mid_basis), (said.side, self.side_basis))]  # fmt: skip
        both = torch.stack(waves, dim=1)
        tails = torch.cat([tail.unsqueeze(2), both[..., HOP:]], dim=2)
        return (both[..., :HOP] + tails[:, :, :-1]).flatten(2), tails[:, :, -1]


class StruckCodec(nn.Module):
    """Encoder, quantiser and decoder; satisfies `Codec` for whole mixes, whose modes it leaves to the wave."""

    def __init__(self, config: StruckConfig) -> None:
        super().__init__()
        self.config = config
        self.sample_rate, self.channels, self.hop = SAMPLE_RATE, 2, HOP
        self.n_codebooks, self.codebook_size = config.books, config.book_size
        self.encoder = StruckEncoder(config)
        self.quantizer = residual_quantizer(config.latent, config.books, config.book_size)
        self.decoder = StruckDecoder(config)
        self.overlap = Overlap(config)

    @property
    def codebooks(self) -> Tensor:
        """[books, size, latent]."""
        return torch.stack([layer._codebook.embed for layer in cast(list[Any], list(self.quantizer.vq.layers))])

    def quantize(self, latent: Tensor, books: int | None = None) -> tuple[Tensor, Tensor]:
        """latent [B, T, D] -> (quantised by the first `books`, gradient straight through; commitment loss)."""
        with torch.autocast(latent.device.type, enabled=False):
            quantised, _, penalty = self.quantizer.vq(latent.float().transpose(1, 2), n_q=books)
        return quantised.transpose(1, 2), penalty.mean()

    def forward(self, sound: Tensor, books: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """sound [B, 2, T * HOP] mid, side -> (wave of that shape, log gains [B, T + 1, 2, BANDS, knots], penalty)."""
        latent, penalty = self.quantize(self.encoder(frames_of(sound)), books)
        said, _ = self.decoder(latent, self.decoder.initial_past(len(latent), latent))
        wave, _ = self.overlap(said, sound.new_zeros(len(sound), 2, HOP))
        return wave[..., HOP:], said.log_gains, penalty

    @torch.no_grad()
    def encode(self, audio: Tensor) -> Tensor:
        """See `Codec.encode`: one row per hop; the frame before the first hop is not kept."""
        sound = mid_side(F.pad(audio, (0, -audio.shape[-1] % HOP)))
        latent = self.encoder(frames_of(sound)).float()
        return self.quantizer.vq.encode(latent.transpose(1, 2)).permute(1, 2, 0)[:, 1:]

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Tensor:
        """See `Codec.decode`; the noise is the same at every call."""
        books = torch.arange(self.config.books, device=codes.device)
        latent = self.codebooks[books, codes].sum(-2)
        said, _ = self.decoder(latent, self.decoder.initial_past(len(codes), latent))
        wave, _ = self.overlap(said, latent.new_zeros(len(codes), 2, HOP))
        return left_right(wave + shaped_noise(said.log_gains))


def mid_side(audio: Tensor) -> Tensor:
    """[B, 2, N] left, right -> mid, side."""
    return torch.stack([audio[:, 0] + audio[:, 1], audio[:, 0] - audio[:, 1]], dim=1) / 2


def left_right(sound: Tensor) -> Tensor:
    """[B, 2, N] mid, side -> left, right."""
    return torch.stack([sound[:, 0] + sound[:, 1], sound[:, 0] - sound[:, 1]], dim=1)


def shaped_noise(log_gains: Tensor) -> Tensor:
    """log gains [B, T, 2, BANDS, KNOTS] -> noise [B, 2, T * HOP], gains straight between knots."""
    ends = log_gains.exp().transpose(-1, -2)
    last = F.pad(ends[:, :-1, :, -1], (0, 0, 0, 0, 1, 0))
    begins = torch.cat([last.unsqueeze(3), ends[:, :, :, :-1]], dim=3)
    bank = torch.from_numpy(noise_bank()).to(log_gains.device)
    at = torch.arange(log_gains.shape[1], device=log_gains.device)
    noise = torch.stack([bank[at % BANK_HOPS], bank[(at + BANK_HOPS // 2) % BANK_HOPS]], dim=1)
    parts = torch.stack([begins, ends], dim=-2) @ noise
    ramp = torch.arange(1, HOP // KNOTS + 1, device=log_gains.device) / (HOP // KNOTS)
    return (parts * torch.stack([1 - ramp, ramp])).sum(-2).transpose(1, 2).flatten(2)


def frames_of(sound: Tensor) -> Tensor:
    """sound [B, 2, T * HOP] -> frames -1 .. T - 1, each with LEAD frames before it: [B, T + 1, 2, LEAD + FRAME]."""
    return F.pad(sound, (LEAD + HOP, HOP)).unfold(-1, LEAD + FRAME, HOP).transpose(1, 2)


def scale_of_bin(bins: int, count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The scale group of each bin of 93.75 Hz, [bins]."""
    rate = erb_rate((np.arange(bins) + 0.5) * SAMPLE_RATE / FRAME)
    place = (rate - rate[0]) / (rate[-1] - rate[0] + 1e-9) * count
    return np.minimum(place.astype(np.int64), count - 1)


def shape_of_band(config: StruckConfig) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The shape group of each noise band, [BANDS]."""
    return np.arange(BANDS) * config.shapes // BANDS


def _fourier(size: int, window: Any) -> Tensor:
    """Real then imaginary parts of the transform of a windowed frame, [size, 2 * (size // 2 + 1)]."""
    angle = 2 * np.pi * np.arange(size)[:, None] * np.arange(size // 2 + 1) / size
    basis = np.concatenate([np.cos(angle), -np.sin(angle)], axis=1) * np.asarray(window)[:, None]
    return torch.from_numpy(basis.astype(np.float32))
