"""The live predictor: causal, lane-state grid in, residual codes out, one hop per step or many at once.

It predicts one piece of the kit at a time, each with a state of its own: sounds add up, codes do not. What the strokes
that ring sound like alone it looks up (`training.predictors.memory`); its network outputs what has to be added to
the sum of their latents, within `LiveConfig.reach` of the spread of strokes, so that it stays where codes are dense.

Every kit has its own inlet: row n of the grid goes through a matrix that is the shared one plus the kit's (a morph: a
weighted sum), and each block is scaled and shifted (FiLM) by kit, drummer and tempo-free condition. All of that depends
on kit and drummer alone, so `condition` computes it once per kit change and `step` stays small.

Codes in residual order: memory and trunk output a latent; book k's query is that latent, plus a correction of its own,
minus the entries already chosen; its logits are the scaled negative squared distances from the query to the book's
entries. With temperature 0 this is residual quantisation of the predicted latent; with Gumbel noise it is sampling from
p(code k | codes < k). One latent serves cross-entropy and, straight through the quantiser, the spectral loss.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from ghostnote.music.grid import N_COLUMNS
from training.nets.causal import CausalStack, Past
from training.nets.reshape import rows_of
from training.predictors.memory import StrokeMemory, Voices

_SLOW: Final = 0.1
"""Scale of what is added to memory: a step of training moves the latent by 1 % of the strokes' spread, not by 10 %."""
Condition = tuple[Tensor, Tensor, Voices]
"""What depends on kit and drummer alone, see `LivePredictor.condition`."""


@dataclass(frozen=True)
class LiveConfig:
    """Sizes of the live predictor."""

    width: int = 192
    hidden: int = 384
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)
    embedding: int = 64
    """Size of kit and drummer embeddings."""
    reach: float = 2.0
    """Farthest that a latent may be from the sum of remembered strokes, per dimension, in their standard deviations."""
    morphed: int = 2
    """Kits of a morph whose strokes are remembered, the strongest ones."""


class LivePredictor(nn.Module):
    """Grid, kit, drummer -> codes."""

    codebooks: Tensor
    """[K, V, D]"""

    def __init__(self, config: LiveConfig, kits: int, drummers: int, codebooks: Tensor) -> None:
        """`codebooks` [K, V, D] are the codec's and stay fixed."""
        super().__init__()
        self.config, self.kits, self.drummers = config, kits, drummers
        books, _, latent = codebooks.shape
        blocks = len(config.dilations)
        self.inlet = nn.Parameter(torch.randn(N_COLUMNS, config.width) * 0.3)
        self.kit_inlet = nn.Parameter(torch.randn(kits, N_COLUMNS, config.width) * 0.1)
        self.bias = nn.Parameter(torch.zeros(config.width))
        self.kit_embedding = nn.Parameter(torch.randn(kits, config.embedding) * 0.5)
        self.drummer_embedding = nn.Embedding(drummers, config.embedding)
        nn.init.normal_(self.drummer_embedding.weight, std=0.02)
        self.film = nn.Linear(config.embedding, blocks * 2 * config.width)
        nn.init.normal_(self.film.weight, std=0.02)
        nn.init.zeros_(self.film.bias)
        self.stack = CausalStack(config.width, config.hidden, config.dilations)
        self.norm = nn.LayerNorm(config.width)
        self.rest = nn.Linear(config.width, latent)
        nn.init.zeros_(self.rest.weight)
        nn.init.zeros_(self.rest.bias)
        self.corrections = nn.Linear(config.width, books * latent)
        nn.init.zeros_(self.corrections.weight)
        nn.init.zeros_(self.corrections.bias)
        self.sharpness = nn.Parameter(torch.full((books,), first_sharpness(codebooks)))
        self.register_buffer("codebooks", codebooks.clone())
        self.memory = StrokeMemory(kits, codebooks)
        self.recalled = nn.Linear(latent, config.width, bias=False)

    @property
    def state_shapes(self) -> list[tuple[int, int]]:
        """(rows, channels) of each state tensor, in order."""
        return self.stack.state_shapes

    def initial_state(self, batch: int, like: Tensor) -> list[Tensor]:
        """Zeros: silence so far."""
        return self.stack.initial_state(batch, like)

    def condition(self, kit: Tensor, drummer: Tensor) -> Condition:
        """kit weights [B, kits] (one-hot or a morph), drummer [B] -> inlet [B, columns, C], film [B, 1, blocks * 2C].

        And the voices of the kits whose strokes are remembered.
        """
        shares, kits = kit.topk(min(self.config.morphed, self.kits), dim=1)
        shares = shares / shares.sum(1, keepdim=True).clamp_min(1e-6)
        if len(kit) == 1:
            kits, shares = kits[:, shares[0] > 0], shares[:, shares[0] > 0]
        return *self._inlet_and_film(kit, drummer), self.memory.voices(kits, shares)

    def _inlet_and_film(self, kit: Tensor, drummer: Tensor) -> tuple[Tensor, Tensor]:
        inlet = self.inlet + (kit @ self.kit_inlet.flatten(1)).unflatten(1, self.inlet.shape)
        embedding = kit @ self.kit_embedding + self.drummer_embedding(drummer)
        neutral = torch.tensor([1.0, 0.0], device=kit.device).repeat_interleave(self.config.width)
        return inlet, (self.film(embedding) + neutral.repeat(len(self.config.dilations))).unsqueeze(1)

    def trunk(self, grid: Tensor, condition: Condition, state: Sequence[Past]) -> tuple[Tensor, Tensor, list[Tensor]]:
        """grid [B, T, columns] of one piece each -> latent [B, T, D], corrections [B, T, K * D], new state."""
        inlet, film, voices = condition
        strokes = self.memory(grid, voices)
        x = torch.matmul(grid, inlet) + self.bias + self.recalled(strokes / self.memory.spread)
        x, new = self.stack(x, state, film)
        x = self.norm(x)
        rest = nn.functional.linear(x, _SLOW * self.rest.weight, _SLOW * self.rest.bias)
        rest = self.config.reach * self.memory.spread * torch.tanh(rest)
        return self.memory.silence + strokes + rest, self.corrections(x), new

    def scoring(self) -> tuple[Tensor, Tensor]:
        """Matrices [K, D, V] and offsets [K, V]: query @ matrix + offset are the scores of a book's entries."""
        sharpness, books = (10 * self.sharpness).exp()[:, None], self.codebooks
        return 2 * sharpness[..., None] * books.transpose(1, 2), -sharpness * books.square().sum(-1)

    def choose(self, latent: Tensor, corrections: Tensor, temperature: Tensor, noise: Tensor) -> Tensor:
        """Codes [B, T, K] book by book.

        corrections [B, T, K * D]; temperature [K]; noise [B or 1, T or 1, K, V or 1] standard Gumbel.
        """
        matrices, offsets = self.scoring()
        luck = (offsets + temperature[:, None] * noise).split(1, dim=2)
        left, codes = latent.unsqueeze(2), list[Tensor]()
        for book, correction in enumerate(rows_of(corrections, len(matrices), -1).split(1, dim=2)):
            code = torch.argmax(torch.matmul(left + correction, matrices[book]) + luck[book], dim=-1)
            left = left - self.codebooks[book][code]
            codes.append(code)
        return torch.cat(codes, dim=-1)

    def step(
        self, grid: Tensor, condition: Condition, temperature: Tensor, noise: Tensor, state: Sequence[Past]
    ) -> tuple[Tensor, list[Tensor]]:
        """T more hops: codes [B, T, K] int64 and the new state."""
        latent, corrections, new = self.trunk(grid, condition, state)
        return self.choose(latent, corrections, temperature, noise), new

    def forward(self, grid: Tensor, kit: Tensor, drummer: Tensor) -> tuple[Tensor, Tensor]:
        """Whole windows of one piece each, from silence: latent and corrections."""
        state = self.initial_state(len(grid), grid)
        latent, corrections, _ = self.trunk(grid, self.condition(kit, drummer), state)
        return latent, corrections


def first_sharpness(codebooks: Tensor) -> float:
    """A tenth of ln(1 / (2 variance)), the variance being that of the first book's entries per dimension.

    An untrained query is as far from every book's entries as the latents are spread. The tenth lets the sharpness of
    late books, hundreds of times greater, be learnt at the networks' learning rate.
    """
    return -float((2 * codebooks[0].var(dim=0).mean()).clamp_min(1e-8).log()) / 10
