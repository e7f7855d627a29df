"""How unlikely a sound is under what the codec says of it: a mean waveform and a noise of given power around it.

In each cell of a short-time spectrum the sound X is taken as Gaussian with mean Y (the decoded wave's spectrum) and
variance V (the power of the noise bands there): |X - Y|^2 / V + ln V. Minimising it fits the wave wherever that pays
and makes V the energy that the wave leaves, so that levels are right without being asked for. Windows from 2.7 to 171
ms make attacks sharp and lines narrow. A second term compares ERB band levels of the whole sound with what is
expected, in decibels, because a mean power lies above most levels of a decay.
"""

from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from codec.bands import SAMPLE_RATE, band_windows, erb
from codec.frames import HOP, KNOTS
from evaluation.sound.strokes import erb_bands
from training.codecs.struck_codec import StruckCodec

RESOLUTIONS: Final = (128, 512, 2048, 8192)
"""Window lengths [frames]; each moves by a quarter."""
LEVEL_WINDOW: Final = 2048
PART: Final = HOP // KNOTS


@dataclass(frozen=True)
class StruckLossConfig:
    """Table [loss] of a codec recipe."""

    level: float = 0.3
    """Weight of the band levels."""
    commitment: float = 0.25
    relative_floor: float = 3e-4
    """Errors this far below the local level (35 dB) do not count."""
    absolute_floor: float = 1e-9
    """Nor do those below this power per frame (-90 dBFS)."""
    resolutions_per_step: int = 4
    """So many windows are evaluated each step, in turn: fewer take less time on a CPU."""


class StruckLoss(nn.Module):
    """See the module."""

    def __init__(self, config: StruckLossConfig) -> None:
        super().__init__()
        self.config = config
        for size in RESOLUTIONS:
            self.register_buffer(f"window_{size}", torch.hann_window(size), persistent=False)
            shares = torch.from_numpy(band_windows(size // 2 + 1) ** 2)
            self.register_buffer(f"shares_{size}", shares, persistent=False)
            hz = np.linspace(0, SAMPLE_RATE / 2, size // 2 + 1)
            weight = 1 / (erb(hz) + 40)
            importance = torch.from_numpy((weight / weight.mean()).astype(np.float32))[:, None]
            self.register_buffer(f"importance_{size}", importance, persistent=False)
        levels = torch.from_numpy(erb_bands(LEVEL_WINDOW, SAMPLE_RATE).T.astype(np.float32).copy())
        self.register_buffer("levels", levels, persistent=False)

    def forward(
        self, sound: Tensor, rest: Tensor, wave: Tensor, log_gains: Tensor, sizes: tuple[int, ...] = RESOLUTIONS
    ) -> tuple[Tensor, dict[str, float]]:
        """Loss and measures.

        sound: the whole, rest: without its modes, wave: decoded, all [B, 2, T * HOP] mid, side; log_gains
        [B, T + 1, 2, bands, knots].
        """
        sound, rest, wave = (x.flatten(0, 1) for x in (sound, rest, wave))
        power = mean_power(log_gains)
        total, logs = sound.new_zeros(()), dict[str, float]()
        for size in sizes:
            heard, decoded = self._spectrum(rest, size), self._spectrum(wave, size)
            variance = self._variance(power, size, heard.shape[-1])
            surprise = self._surprise(heard, decoded, variance, size)
            total = total + surprise / len(sizes)
            logs[f"surprise_{size}"] = float(surprise.detach())
            if size == LEVEL_WINDOW and self.config.level:
                whole = self._spectrum(sound, size)
                error, bias = self._level_error(whole, whole - heard + decoded, variance)
                total = total + self.config.level * error
                logs |= {"band_error_db": DB * float(error.detach()), "band_bias_db": DB * float(bias.detach())}
        return total, logs

    def _spectrum(self, x: Tensor, size: int) -> Tensor:
        window = cast(Tensor, getattr(self, f"window_{size}"))
        return torch.stft(x, size, size // 4, window=window, pad_mode="constant", return_complex=True)

    def _variance(self, power: Tensor, size: int, frames: int) -> Tensor:
        """Power of the parts of hops [B, bands, parts] -> power of the spectrum's cells [B, bins, frames]."""
        step = min(PART, size // 4)
        power = power.repeat_interleave(PART // step, -1)
        window = cast(Tensor, getattr(self, f"window_{size}")).square().unflatten(0, (-1, step)).sum(1)
        around = F.pad(power, (len(window) // 2, len(window) // 2))
        at_frames = around.unfold(-1, len(window), size // 4 // step) @ window
        return (cast(Tensor, getattr(self, f"shares_{size}")).T @ at_frames)[:, :, :frames]

    def _surprise(self, heard: Tensor, decoded: Tensor, variance: Tensor, size: int) -> Tensor:
        """Mean over cells, less what a perfect variance without a mean would give; every ERB counts the same."""
        c, shares = self.config, cast(Tensor, getattr(self, f"shares_{size}"))
        energy = square(heard)
        local = shares.T @ (shares @ energy / (shares.sum(1)[:, None] + 1e-3))
        window = cast(Tensor, getattr(self, f"window_{size}"))
        floor = c.relative_floor * local + c.absolute_floor * window.square().sum()
        variance = variance + floor
        cells = (square(heard - decoded) + floor) / variance + variance.log() - (energy + floor).log()
        return (cells * cast(Tensor, getattr(self, f"importance_{size}"))).mean()

    def _level_error(self, whole: Tensor, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """Mean absolute and mean signed log ratio of expected to true ERB band levels, within 60 dB of the loudest."""
        levels = cast(Tensor, self.levels)
        expected, true = (
            F.avg_pool1d(levels @ x, 3, 1, 1, count_include_pad=False) for x in (square(mean) + variance, square(whole))
        )
        top = true.amax((1, 2), keepdim=True) + self.config.absolute_floor
        counts = (true > top * 1e-6).float()
        ratio = ((expected + top * 1e-7) / (true + top * 1e-7)).log() * counts
        return ratio.abs().sum() / counts.sum().clamp_min(1), ratio.sum() / counts.sum().clamp_min(1)


DB: Final = float(10 / np.log(10))


def square(z: Tensor) -> Tensor:
    """|z|^2 with a gradient at 0."""
    return z.real.square() + z.imag.square()


def mean_power(log_gains: Tensor) -> Tensor:
    """Mean power of the noise over each part of a hop, gains going straight from knot to knot: [2B, bands, parts]."""
    gains = log_gains.exp()
    ends = gains[:, 1:].permute(0, 2, 3, 1, 4).flatten(3)
    begins = torch.cat([gains[:, 0, ..., -1:], ends[..., :-1]], dim=-1)
    return ((begins.square() + begins * ends + ends.square()) / 3).flatten(0, 1)


def struck_loss(
    codec: StruckCodec, loss: StruckLoss, sound: Tensor, rest: Tensor, books: int | None, sizes: tuple[int, ...]
) -> tuple[Tensor, dict[str, float]]:
    """Encode, decode and judge; sound and rest [B, 2, T * HOP] mid, side."""
    wave, log_gains, penalty = codec(rest, books)
    total, logs = loss(sound, rest, wave, log_gains.float(), sizes)
    return total + loss.config.commitment * penalty, logs
