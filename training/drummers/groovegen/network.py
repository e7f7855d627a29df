"""The groove network: a variational autoencoder whose decoder plays slot by slot, by distributions.

The encoder's only input is four bars: style and tempo reach the latent only through what is played. The prior is
conditional on style, tempo, meter and knobs. The decoder is a recurrent network that
knows latent, conditions, place, the slot before and the bar before; in a slot it chooses an articulation or silence
for one piece after the other, each knowing the ones before, then offset and velocity bins of what is struck. It starts
from what was counted (`groovegen_counts`) and learns what deviates: how often a style strikes a slot, how much that
depends on the bar before, and the offsets and velocities of an articulation.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drummers.common.styles import STYLES
from drummers.common.tokens import OFFSETS, VELOCITIES
from drummers.groovegen.features import (
    CHOICES,
    FIRST_CHOICE,
    LANE_OF_CHOICE,
    MAX_SLOTS_PER_BAR,
    METERS,
    N_CHOICES,
    N_CONDITIONS,
    N_LANES,
    N_PAST,
    N_PLACE,
    PIECES,
)
from training.drummers.groovegen.data import SLOTS, GrooveBatch

HEARD: Final = 2 * N_LANES


@dataclass(frozen=True)
class GrooveConfig:
    """Sizes."""

    latent: int = 32
    width: int = 144
    inside: int = 96
    feel: int = 64


class Losses(NamedTuple):
    """Nats per loop: of choices, offsets, velocities; and the divergence of posterior from prior, per dimension."""

    choice: Tensor
    offset: Tensor
    velocity: Tensor
    divergence: Tensor


class GrooveNet(nn.Module):
    """Encoder, conditional prior and decoder."""

    order: Tensor

    def __init__(self, config: GrooveConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or GrooveConfig()
        self.encoder = nn.Sequential(
            nn.Conv1d(HEARD, 96, 4, 2, 1), nn.GELU(),
            nn.Conv1d(96, 128, 4, 2, 1), nn.GELU(),
            nn.Conv1d(128, 128, 4, 4), nn.GELU(), nn.Flatten(),
            nn.Dropout(0.2), nn.Linear(128 * SLOTS // 16, 256), nn.GELU(), nn.Linear(256, 2 * c.latent),
        )  # fmt: skip
        self.prior_net = nn.Sequential(nn.Linear(N_CONDITIONS, 128), nn.GELU(), nn.Linear(128, 2 * c.latent))
        self.given = nn.Sequential(nn.Linear(c.latent + N_CONDITIONS, c.inside), nn.GELU())
        self.start = nn.Linear(c.inside, c.width)
        self.read = nn.Linear(N_PAST + N_PLACE + c.inside, c.inside)
        self.core = nn.GRU(c.inside, c.width, batch_first=True)
        self.hits = nn.Linear(c.width + c.inside, N_CHOICES)
        self.earlier = nn.Parameter(torch.zeros(N_CHOICES, N_CHOICES))
        self.everyone = nn.Parameter(torch.zeros(len(METERS), MAX_SLOTS_PER_BAR, N_CHOICES))
        self.profile = nn.Parameter(torch.zeros(len(STYLES), len(METERS), MAX_SLOTS_PER_BAR, N_CHOICES))
        self.echo = nn.Parameter(torch.zeros(2, N_CHOICES))
        self.habit = nn.Parameter(torch.zeros(N_CHOICES, OFFSETS + VELOCITIES))
        nn.init.zeros_(self.hits.weight)
        self.register_buffer("order", _order(), persistent=False)
        self.feel_in = nn.Linear(c.width + c.inside + N_CHOICES, c.feel)
        self.struck = nn.Linear(N_CHOICES + 3, c.feel, bias=False)
        self.feel_out = nn.Linear(c.feel, OFFSETS + VELOCITIES)

    def encode(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance [B, latent] of the posterior, of planes [B, 64, 44]."""
        mean, log_var = self.encoder(planes.transpose(1, 2)).chunk(2, 1)
        return mean, log_var.clamp(-8, 4)

    def prior(self, conditions: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance [B, latent] of the prior, of conditions [B, C]."""
        mean, log_var = self.prior_net(conditions).chunk(2, 1)
        return mean, log_var.clamp(-8, 4)

    def begin(self, latent: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:
        """What the decoder is given [B, inside], and its first state [B, width]."""
        given = self.given(torch.cat([latent, conditions], 1))
        return given, torch.tanh(self.start(given))

    def states(self, latent: Tensor, conditions: Tensor, past: Tensor, place: Tensor) -> Tensor:
        """What the heads read of every slot, [B, T, width + inside]."""
        given, state = self.begin(latent, conditions)
        spread = given[:, None].expand(-1, past.shape[1], -1)
        out, _ = self.core(F.gelu(self.read(torch.cat([past, place, spread], 2))), state[None])
        return torch.cat([out, spread], 2)

    def expected(self, conditions: Tensor, past: Tensor, place: Tensor) -> Tensor:
        """Logits [B, T, N_CHOICES] of the style's profile and of the bar before, without the network."""
        styles, meters = conditions[:, : len(STYLES)], conditions[:, len(STYLES) + 1 :][:, : len(METERS)]
        profile = torch.einsum("bs,bm,smkc->bkc", styles, meters, self.profile)
        profile = profile + torch.einsum("bm,mkc->bkc", meters, self.everyone)
        known = 1 - place[..., MAX_SLOTS_PER_BAR, None]
        before = echoes(past)
        return place[..., :MAX_SLOTS_PER_BAR] @ profile + known * torch.lerp(self.echo[0], self.echo[1], before)

    def choice_logits(self, states: Tensor, chosen: Tensor) -> Tensor:
        """Logits [..., N_CHOICES]; `chosen` [..., N_CHOICES] is one-hot per piece, read for later pieces only."""
        return self.hits(states) + chosen @ (self.earlier * self.order)

    def feel_logits(self, states: Tensor, chosen: Tensor, struck: Tensor, near: Tensor) -> Tensor:
        """Logits [n, offsets + velocities] of hits: the slot's states and choices, the hit one-hot, near [n, 3]."""
        about = self.feel_in(torch.cat([states, chosen], 1)) + self.struck(torch.cat([struck, near], 1))
        return self.feel_out(F.gelu(about)) + struck @ self.habit

    def forward(self, batch: GrooveBatch, dropout: float = 0.0) -> Losses:
        """Losses of a batch; `dropout` hides so much of what was played before, so that the latent matters."""
        mean, log_var = self.encode(batch.planes)
        latent = mean + torch.randn_like(mean) * (0.5 * log_var).exp()
        prior_mean, prior_log = self.prior(batch.conditions)
        divergence = 0.5 * (
            prior_log - log_var + (log_var.exp() + (mean - prior_mean) ** 2) / prior_log.exp() - 1
        )  # fmt: skip
        before = batch.past
        if dropout:
            before = before * (torch.rand(*before.shape[:2], 1) > dropout)
        states = self.states(latent, batch.conditions, before, batch.place)
        first = torch.tensor(FIRST_CHOICE[:-1])
        index = batch.choice + first
        chosen = F.one_hot(index, N_CHOICES).sum(2).float()
        logits = self.choice_logits(states, chosen) + self.expected(batch.conditions, before, batch.place)
        nats = sum(
            F.cross_entropy(part.transpose(1, 2), batch.choice[..., piece], reduction="none")
            for piece, part in enumerate(logits.split(CHOICES, 2))
        )
        choice = (nats * batch.mask).sum() / len(mean)
        row, slot, piece = torch.nonzero(batch.choice * batch.mask[..., None].long(), as_tuple=True)
        struck = F.one_hot(index[row, slot, piece], N_CHOICES).float()
        feel = self.feel_logits(
            states[row, slot], chosen[row, slot], struck, near(batch.past[row, slot], index[row, slot, piece])
        )  # fmt: skip
        offset, velocity = feel.split((OFFSETS, VELOCITIES), 1)
        return Losses(
            choice,
            F.cross_entropy(offset, batch.offset[row, slot, piece], reduction="sum") / len(mean),
            F.cross_entropy(velocity, batch.velocity[row, slot, piece], reduction="sum") / len(mean),
            divergence.mean(0),
        )


def near(past: Tensor, index: Tensor) -> Tensor:
    """Of a hit's lane [n, 3]: velocity in the slot before, velocity and offset a bar ago. `index` among choices."""
    lane = _LANE_OF_CHOICE[index]
    return torch.stack([past.gather(1, (lane + k * N_LANES)[:, None])[:, 0] for k in (0, 1, 3)], 1)


def echoes(past: Tensor) -> Tensor:
    """Whether each choice was made in the slot a bar ago, [..., N_CHOICES]; silence never."""
    struck = (past[..., N_LANES : 2 * N_LANES] > 0).float()
    return F.pad(struck, (0, 1))[..., _LANE_OR_NONE]


def _order() -> Tensor:
    """1 where a choice (row) belongs to a piece before that of another choice (column)."""
    piece = torch.repeat_interleave(torch.arange(len(PIECES)), torch.tensor(CHOICES))
    return (piece[:, None] < piece[None]).float()


_LANE_OR_NONE: Final = torch.from_numpy(LANE_OF_CHOICE.astype("int64") % (N_LANES + 1))
_LANE_OF_CHOICE: Final = torch.from_numpy(LANE_OF_CHOICE.astype("int64")).clamp(min=0)
