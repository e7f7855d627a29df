"""What every stroke of every kit sounds like alone: the codec's own codes of it, looked up by lane, velocity and age.

A predictor that has to learn the sound of 17 kits from the grid needs many hours; the codec already knows it. Before a
training each stroke is rendered alone and encoded (`training.data.stroke_codes`), at `VELOCITIES` and at `AGES` hops
after the stroke, finely where the sound changes fast and where its place inside the hop matters: the latent of a hop
is a function of the stroke's continuous age at the hop's end, which the grid gives. In use the memory of the kit is
read at the age and velocity of each lane's last hit, between four neighbours, as the difference from silence. A kit
takes 85 KB as codes. Where nothing rings, and where a lane was choked, it says nothing.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ghostnote.articulations import N_LANES
from ghostnote.grid import LANE_COLUMNS, TENT_HOPS

VELOCITIES: Final = (0.25, 0.5, 0.75, 1.0)
_FINE, _HALF, _WHOLE, _PER_OCTAVE, _LAST = 8, 24, 48, 8, 120
"""Quarters of a hop up to age 8, halves up to 24, hops up to 48, then eighths of octaves to 768, node 120."""
AGES: Final = (
    *(n / 4 for n in range(4 * _FINE)),
    *(_FINE + n / 2 for n in range(2 * (_HALF - _FINE))),
    *(float(_HALF + n) for n in range(_WHOLE - _HALF)),
    *(_WHOLE * 2 ** (n / _PER_OCTAVE) for n in range(_LAST - 87)),
)
"""Age in hops at each node; node 0, age 0, is silence."""
STROKES: Final = N_LANES * len(VELOCITIES) * len(AGES)


class StrokeMemory(nn.Module):
    """Codes [kits, STROKES, K] uint8 of lone strokes, and the latents they stand for."""

    codes: Tensor
    codebooks: Tensor
    latents: Tensor
    """[kits, STROKES, D], each the difference from silence in units of `spread`."""
    silence: Tensor
    """The latent [D] of silence."""
    spread: Tensor
    """Standard deviation of all those differences, a scalar."""

    def __init__(self, kits: int, codebooks: Tensor) -> None:
        """Empty: silence everywhere, until `learn` or a loaded checkpoint fills it. `codebooks` [K, V, D]."""
        super().__init__()
        books, _, width = codebooks.shape
        self.register_buffer("codebooks", codebooks.clone(), persistent=False)
        self.register_buffer("codes", torch.zeros(kits, STROKES, books, dtype=torch.uint8))
        self.register_buffer("latents", torch.zeros(kits, STROKES, width), persistent=False)
        self.register_buffer("silence", torch.zeros(width), persistent=False)
        self.register_buffer("spread", torch.ones(()), persistent=False)
        self.register_load_state_dict_post_hook(lambda module, _: module.expand())

    def learn(self, codes: Tensor) -> None:
        """Take codes [kits, lanes, velocities, ages, K]."""
        self.codes.copy_(codes.flatten(1, 3))
        self.expand()

    @torch.no_grad()
    def expand(self) -> None:
        """Latents from codes; age 0 is silence."""
        total = torch.zeros_like(self.latents)
        for book, entries in enumerate(self.codebooks):
            total += entries[self.codes[..., book].long()]
        strokes = total.unflatten(1, (-1, len(AGES)))
        self.silence.copy_(strokes[0, 0, 0])
        strokes = (strokes - self.silence).flatten(1, 2)
        self.spread.copy_(strokes.std().clamp_min(1e-6))
        self.latents.copy_(strokes / self.spread)

    def of_kit(self, kit: Tensor) -> Tensor:
        """The memory [B, STROKES, D] of kit weights [B, kits]; a morph mixes its two strongest kits."""
        weights, chosen = kit.topk(min(2, kit.shape[1]), dim=1)
        weights = weights / weights.sum(1, keepdim=True).clamp_min(1e-6)
        mixed = self.latents[chosen[:, 0]] * weights[:, 0, None, None]
        for n in range(1, weights.shape[1]):
            mixed = mixed + self.latents[chosen[:, n]] * weights[:, n, None, None]
        return mixed


def recall(grid: Tensor, memory: Tensor, kit: Tensor | None = None) -> Tensor:
    """What each lane's last hit sounds like now: [B, T, lanes * D].

    grid [B, T, columns]; memory [kits, STROKES, D], of which window b reads that of `kit` [B], or all the first.
    """
    age, velocity = last_hits(grid)
    at, by_age = _between(_age_node(age), len(AGES))
    level, by_velocity = _between((4 * velocity - 1).clamp(0, 3), len(VELOCITIES))
    rings = (velocity > 0).to(memory.dtype)
    lane = torch.arange(N_LANES, device=grid.device) * len(VELOCITIES)
    first = 0 if kit is None else (kit * STROKES)[:, None, None]
    table = memory.flatten(0, 1)
    heard = torch.zeros((), device=grid.device)
    for high in (0, 1):
        for later in (0, 1):
            node = (lane + (level + high).clamp_max(len(VELOCITIES) - 1)) * len(AGES)
            node = first + node + (at + later).clamp_max(len(AGES) - 1)
            share = (by_velocity if high else 1 - by_velocity) * (by_age if later else 1 - by_age) * rings
            heard = heard + F.embedding(node, table) * share.unsqueeze(-1)
    return heard.flatten(-2)


def last_hits(grid: Tensor) -> tuple[Tensor, Tensor]:
    """Age [hops] at the hop's end and velocity [B, T, lanes] of each lane's last hit; 0 where nothing rings."""
    lanes = grid[..., : N_LANES * LANE_COLUMNS].unflatten(-1, (N_LANES, LANE_COLUMNS))
    struck, position = lanes[..., 0], lanes[..., 2]
    tents = lanes[..., LANE_COLUMNS - 1 - len(TENT_HOPS) : LANE_COLUMNS - 1]
    velocity = tents.sum(-1)
    octave = (tents * torch.arange(len(TENT_HOPS), device=grid.device)).sum(-1) / velocity.clamp_min(1e-6)
    return torch.where(struck > 0, 1 - position, 2.0**octave), velocity


def _age_node(age: Tensor) -> Tensor:
    """Place of an age among `AGES`, real."""
    fine = 4 * age.clamp_max(_FINE)
    half = 2 * (age.clamp(_FINE, _HALF) - _FINE)
    whole = age.clamp(_HALF, _WHOLE) - _HALF
    octaves = _PER_OCTAVE * torch.log2(age.clamp_min(_WHOLE) / _WHOLE)
    return (fine + half + whole + octaves).clamp_max(_LAST)


def _between(place: Tensor, nodes: int) -> tuple[Tensor, Tensor]:
    """The node below a real place, and how far on from it towards the next, 0..1."""
    below = place.floor().clamp(0, nodes - 1)
    return below.long(), place - below
