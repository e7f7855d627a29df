"""What every stroke of every kit sounds like alone: the codec's own codes of it, looked up by lane, velocity and age.

A predictor that has to learn the sound of 17 kits from the grid needs many hours; the codec already knows it. Before a
training each stroke is rendered alone and encoded (`training.data.stroke_codes`), at `VELOCITIES` and at `AGES` hops
after the stroke: a hop's latent is a function of the stroke's continuous age at the hop's end, which the grid gives.
Ages are read at the nearest node, never between two: the mean of two latents of a tone in different phases is quieter
than either (SC 0.42 between, 0.38 at the nearest, level -1.8 and -0.9 dB; lone lanes of 4 kits). Velocities, of which
a kit has layers and gains, are read between two nodes. Where nothing rings, and where a lane was choked, nothing is
said. A stroke is kept as long as it sounds, equal strokes once: about 0.4 MB a kit.
"""

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ghostnote.music.articulations import MOST_LANES, N_LANES
from ghostnote.music.grid import LANE_COLUMNS, RING_HOPS
from training.codecs.drum_codec import sum_codes
from training.nets.reshape import rows_of

VELOCITIES: Final = (1 / 16, *(n / 8 for n in range(1, 9)))
_QUARTERS, _HALVES, LAST_AGE = 24, 96, 768
"""Ages below `_QUARTERS` hops are known by quarters of a hop, those below `_HALVES` by halves, others by whole hops."""
AGES: Final = (
    *(n / 4 for n in range(4 * _QUARTERS)),
    *(_QUARTERS + n / 2 for n in range(2 * (_HALVES - _QUARTERS))),
    *(float(n) for n in range(_HALVES, LAST_AGE + 1)),
)
"""Age in hops at each node; node 0, age 0, is silence."""
_SNAP: Final = 256
"""Ages are told apart by this part of a hop, a frame of our codec: rounding to nodes then never wavers."""


_PARTS: Final = 1024
"""Velocities are told apart by this part of the way between two nodes: a hop then rounds as many hops do, although an
exponential may round the last few of many numbers otherwise than the others."""
Voices = tuple[Tensor, Tensor, Tensor]
"""Strokes [B, 1, 1, 2M] of the kits that sound, at a velocity and the next; shares of theirs and what the place between
both velocities adds to them [B, 1, 1, 2M * K]."""


class StrokeMemory(nn.Module):
    """The codes of lone strokes; see the module."""

    codes: Tensor
    """[nodes, K] uint8: the strokes one after the other, each from its node 0 on."""
    first: Tensor
    """[kits * lanes * velocities] int32: node 0 of a stroke."""
    last: Tensor
    """The last of its nodes that is kept, silence again."""
    codebooks: Tensor
    silence: Tensor
    """The latent [D] of silence."""
    spread: Tensor
    """Standard deviation [D] of the strokes' differences from silence."""

    def __init__(self, kits: int, codebooks: Tensor) -> None:
        """Empty: silence everywhere, until `learn` or a loaded checkpoint fills it. `codebooks` [K, V, D]."""
        super().__init__()
        strokes = kits * N_LANES * len(VELOCITIES)
        self.register_buffer("codebooks", codebooks.clone(), persistent=False)
        self.register_buffer("codes", torch.zeros(1, len(codebooks), dtype=torch.uint8))
        self.register_buffer("first", torch.zeros(strokes, dtype=torch.int32))
        self.register_buffer("last", torch.zeros(strokes, dtype=torch.int32))
        self.register_buffer("silence", torch.zeros(codebooks.shape[-1]), persistent=False)
        self.register_buffer("spread", torch.ones(codebooks.shape[-1]), persistent=False)
        self.register_load_state_dict_pre_hook(self._make_room)
        self.register_load_state_dict_post_hook(lambda module, _: module.update_statistics())

    def learn(self, codes: Tensor, first: Tensor, last: Tensor) -> None:
        """Take what `stroke_codes` found: codes [nodes, K]; first and last [kits, lanes, velocities]."""
        self.codes = codes.to(self.codes.device, torch.uint8)
        self.first.copy_(first.flatten())
        self.last.copy_(last.flatten())
        self.update_statistics()

    @torch.no_grad()
    def update_statistics(self) -> None:
        """Silence and spread from the codes."""
        every = self.latents(self.codes[:: max(1, len(self.codes) // 65536)])
        self.silence.copy_(self.latents(self.codes[:1])[0])
        self.spread.copy_((every - self.silence).square().mean(0).sqrt().clamp_min(1e-3))

    def ring_hops(self) -> list[list[float]]:
        """By kit and lane, hops after which the longest stroke is silent; 0 for one that is not known."""
        nodes = (self.last - self.first).unflatten(0, (-1, N_LANES, len(VELOCITIES))).amax(-1)
        ages = torch.tensor(AGES)[(nodes.cpu().long() - 1).clamp_min(0)]
        return ages.tolist()

    def latents(self, codes: Tensor) -> Tensor:
        """Codes [..., K] -> latents [..., D]."""
        return sum_codes(self.codebooks, codes.long())

    def entries(self, codes: Tensor) -> Tensor:
        """Codes [..., K] -> the chosen entries [..., K, D]."""
        books, size, _ = self.codebooks.shape
        return F.embedding(codes.long() + torch.arange(books, device=codes.device) * size, self.codebooks.flatten(0, 1))

    def voices(self, kits: Tensor, shares: Tensor) -> Voices:
        """What `forward` needs of the kits [B, M] int64 that sound, and of their shares [B, M], which add up to 1."""
        one = torch.tensor([0, 1], device=kits.device)
        strokes = (kits[:, :, None] * (N_LANES * len(VELOCITIES)) + one).flatten(1)[:, None, None]
        below, above = (
            (shares[:, :, None] * part).flatten(1).repeat_interleave(len(self.codebooks), 1)[:, None, None]
            for part in (1 - one, 2 * one - 1)
        )
        return strokes, below, above

    def forward(self, grid: Tensor, voices: Voices) -> Tensor:
        """What each window's last hits sound like now, as the difference from silence [B, T, D].

        grid [B, T, columns], at most MOST_LANES lanes of which ring; `voices` of B kits or of one.
        """
        age, velocity = last_hits(grid)
        velocity, lane = velocity.topk(MOST_LANES, dim=-1)
        node = nodes_of(age.gather(-1, lane))[..., None]
        place = (torch.minimum(8 * velocity, 16 * velocity - 1) * _PARTS).round()
        place = place.clamp(0, (len(VELOCITIES) - 1) * _PARTS - 1) / _PARTS  # below the last, so that one is above
        level = place.floor()
        strokes, shares, steps = voices
        stroke = (lane * len(VELOCITIES) + level.long())[..., None] + strokes
        at = torch.minimum(self.first.long()[stroke] + node, self.last.long()[stroke])
        entries = self.entries(self.codes[at])
        loud = shares + (place - level)[..., None] * steps
        with torch.autocast(grid.device.type, enabled=False):  # late books are finer than bf16
            mixed = torch.matmul(rows_of(loud, 1, -1), rows_of(entries, -1, entries.shape[-1]))
        # Lanes that do not ring give the first node of their strokes: silence.
        return rows_of(mixed, -1) - MOST_LANES * self.silence

    def _make_room(self, _: nn.Module, tensors: Mapping[str, Tensor], prefix: str, *__: Any) -> None:
        """A checkpoint's memory may have any number of nodes."""
        codes = tensors.get(f"{prefix}codes")
        if codes is not None and codes.shape[1:] == self.codes.shape[1:]:
            self.codes = torch.zeros_like(codes, device=self.codes.device)


def last_hits(grid: Tensor) -> tuple[Tensor, Tensor]:
    """Age [hops] at the hop's end and velocity [B, T, lanes] of each lane's last hit; both 0 where nothing rings.

    Two decays of one hit give both: their ratio gives the age, exact to a frame up to thousands of hops.
    """
    _, middle, slow = RING_HOPS
    faster, slower = (grid[..., column : N_LANES * LANE_COLUMNS : LANE_COLUMNS] for column in (4, 5))
    age = (slower.clamp_min(1e-30) / faster.clamp_min(1e-30)).log() / (1 / middle - 1 / slow)
    return age, slower * (age / slow).exp()


def nodes_of(age: Tensor) -> Tensor:
    """The node of `AGES` nearest to an age, int64."""
    slopes = torch.tensor([4.0, 2.0, 1.0], device=age.device) / _SNAP
    starts = torch.tensor([0.0, 2.0 * _QUARTERS, 2.0 * _QUARTERS + _HALVES], device=age.device)
    snapped = (age * _SNAP).round().clamp_max(LAST_AGE * _SNAP)
    return (snapped[..., None] * slopes + (starts + 0.5)).amin(-1).long()
