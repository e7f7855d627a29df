"""The codec's two graphs: frames of a stroke -> codes, and codes of several strokes -> sound, hop by hop."""

from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import torch
from torch import Tensor, nn

from codec.bands import BANDS, band_windows
from codec.decoder import MODE_STEPS
from codec.frames import FRAME, HOP, KNOTS, LEAD
from codec.modes import MOST_MODES
from training.codecs.struck_codec import Decoded, StruckCodec


class EncoderGraph(nn.Module):
    """frames [B, T + 1, 2, LEAD + FRAME] -> codes [B, T + 1, books] int64."""

    def __init__(self, codec: StruckCodec) -> None:
        super().__init__()
        self.encoder = codec.encoder
        self.register_buffer("books", codec.codebooks.detach().clone())

    def forward(self, frames: Tensor) -> tuple[Tensor]:
        """Each book quantises what the ones before left."""
        rest = self.encoder(frames)
        chosen: list[Tensor] = []
        for book in cast(Tensor, self.books).unbind():
            # The book on the left: on the right the graph would keep a transposed copy of it.
            distance = book.square().sum(1, keepdim=True) - 2 * (book @ rest.transpose(1, 2))
            code = distance.argmin(1)
            chosen.append(code)
            rest = rest - nn.functional.embedding(code, book)
        return (torch.stack(chosen, dim=-1),)


class DecoderGraph(nn.Module):
    """Codes, noise and modes of some strokes -> their sound; see `codec.decoder` for the inputs."""

    def __init__(self, codec: StruckCodec) -> None:
        super().__init__()
        self.config, self.decoder, self.overlap = codec.config, codec.decoder, codec.overlap
        inlet, books = codec.decoder.inlet, codec.codebooks.detach()
        # The inlet is linear, so each book's entries can pass it beforehand.
        table = books @ inlet.weight.detach().T
        table[0] += inlet.bias.detach()
        self.register_buffer("table", table.flatten(0, 1).clone())
        self.register_buffer("first", torch.arange(books.shape[0]) * books.shape[1])
        shares = torch.from_numpy(band_windows(FRAME // 2 + 1) ** 2)
        self.register_buffer("mid_shares", shares[:, : self.config.mid_bins].clone())
        self.register_buffer("side_shares", shares[:, : self.config.side_bins].clone())
        ramp = torch.arange(1, HOP // KNOTS + 1) / (HOP // KNOTS)
        self.register_buffer("ramps", torch.stack([1 - ramp, ramp]))

    def forward(
        self, codes: Tensor, tone: Tensor, ringing: Tensor, steps: Tensor, noise: Tensor, past: Tensor, tail: Tensor,
        knot: Tensor,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        """-> audio [B, T * HOP, 2] left, right, and the states of the next call."""
        chosen = nn.functional.embedding(codes + self.first, self.table)  # type: ignore[arg-type]
        # Added one by one, because a sum operator rounds one hop otherwise than many: live would not be file.
        latent = chosen[:, :, 0]
        for book in range(1, self.config.books):
            latent = latent + chosen[:, :, book]
        said, past = self.decoder(latent, past)
        wave, tail = self.overlap(self._toned(said, tone), tail)
        hiss, knot = self._noise(said.log_gains, tone, noise, knot)
        mid, side = (wave + hiss + self._ring(ringing, steps)).unbind(1)
        return torch.stack([mid + side, mid - side], dim=-1), past, tail, knot

    def _toned(self, said: Decoded, tone: Tensor) -> Decoded:
        mid, side = (tone @ cast(Tensor, shares) for shares in (self.mid_shares, self.side_shares))
        mid, side = mid.unsqueeze(1), side.unsqueeze(1)
        return Decoded(
            (said.mid[0] * mid, said.mid[1] * mid), (said.side[0] * side, said.side[1] * side), said.log_gains
        )

    def _noise(self, log_gains: Tensor, tone: Tensor, noise: Tensor, knot: Tensor) -> tuple[Tensor, Tensor]:
        """-> [B, 2, T * HOP] and the last knot [B, 2, BANDS]; between knots the gains go straight."""
        ends = (log_gains.exp() * tone[:, None, None, :, None]).transpose(-1, -2)  # [B, T, 2, KNOTS, BANDS]
        last = torch.cat([knot.unsqueeze(1), ends[:, :, :, -1]], dim=1)
        begins = torch.cat([last[:, :-1].unsqueeze(3), ends[:, :, :, :-1]], dim=3)
        parts = torch.stack([begins, ends], dim=-2) @ noise  # [B, T, 2, KNOTS, 2, HOP / KNOTS]
        mixed = (parts * cast(Tensor, self.ramps)).sum(-2)
        return mixed.transpose(1, 2).flatten(2), last[:, -1]

    def _ring(self, ringing: Tensor, steps: Tensor) -> Tensor:
        """-> [B, 2, T * HOP]: each hop's amplitudes turned by coarse steps, then summed over modes at fine steps."""
        real, imaginary = ringing[:, :, :2, :, None], ringing[:, :, 2:, :, None]  # [B, T, 2, modes, 1]
        coarse_re, coarse_im, fine_re, fine_im = steps[:, None, None].unbind(3)  # [B, 1, 1, modes, MODE_STEPS]
        turned_re = (real * coarse_re - imaginary * coarse_im).transpose(-1, -2)
        turned_im = (real * coarse_im + imaginary * coarse_re).transpose(-1, -2)
        sound = turned_re @ fine_re - turned_im @ fine_im
        return sound.flatten(3).transpose(1, 2).flatten(2)


@dataclass(frozen=True)
class Tracing:
    """A module with everything that its export and its parity check need."""

    role: str
    module: nn.Module
    inputs: dict[str, Tensor]
    """Example inputs by name in order."""
    outputs: tuple[str, ...]
    dynamic: dict[str, dict[int, str]]
    """Axes of inputs and outputs that vary."""

    def __post_init__(self) -> None:
        # The wrapper itself, too: torch's exporter brings everything inside back into the wrapper's mode.
        self.module.eval()


_STROKES: Final = {0: "strokes"}
_HOPS: Final = {0: "strokes", 1: "hops"}


def encoder_tracing(codec: StruckCodec, strokes: int, hops: int) -> Tracing:
    """The encoder with random example inputs, the same each time."""
    frames = 0.1 * torch.randn(strokes, hops, 2, LEAD + FRAME, generator=torch.Generator().manual_seed(0))
    return Tracing("encoder", EncoderGraph(codec), {"frames": frames}, ("codes",), {"frames": _HOPS, "codes": _HOPS})


def decoder_tracing(codec: StruckCodec, strokes: int, hops: int) -> Tracing:
    """The decoder with random example inputs, the same each time."""
    random, c = np.random.default_rng(0), codec.config

    def normal(*shape: int) -> Tensor:
        return torch.from_numpy(0.1 * random.standard_normal(shape, np.float32))

    inputs = {
        "codes": torch.from_numpy(random.integers(0, c.book_size, (strokes, hops, c.books))),
        "tone": 1 + normal(strokes, BANDS),
        "ringing": normal(strokes, hops, 4, MOST_MODES),
        "steps": normal(strokes, 4, MOST_MODES, MODE_STEPS),
        "noise": 10 * normal(strokes, hops, 2, KNOTS, BANDS, HOP // KNOTS),
        "past": normal(strokes, codec.decoder.past_rows, c.decoder_width),
        "tail": normal(strokes, 2, HOP),
        "knot": normal(strokes, 2, BANDS).abs(),
    }
    outputs = ("audio", "past_next", "tail_next", "knot_next")
    dynamic = {name: _HOPS if name in ("codes", "ringing", "noise") else _STROKES for name in (*inputs, *outputs)}
    return Tracing("decoder", DecoderGraph(codec), inputs, outputs, dynamic | {"audio": {0: "strokes", 1: "frames"}})
