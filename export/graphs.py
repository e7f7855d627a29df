"""What becomes an ONNX graph: the networks as stateless functions of tensors, every input and output named."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor, nn

from ghostnote.articulations import PIECES, lanes_of_piece
from ghostnote.bundle import StateTensor
from ghostnote.grid import N_COLUMNS, GridStream, HopEvents, HopHit

if TYPE_CHECKING:
    from training.codecs.drum_codec import DrumCodec
    from training.predictors.live import LivePredictor


CONDITION: Final = ("inlet", "film", "kits", "shares")
"""What `LivePredictor.condition` returns, by name."""


class ConditionGraph(nn.Module):
    """(kit_weights [B, kits], drummer [B]) -> inlet, film, kits, shares."""

    def __init__(self, predictor: "LivePredictor") -> None:
        super().__init__()
        self.predictor = predictor

    def forward(self, kit_weights: Tensor, drummer: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """See `LivePredictor.condition`."""
        return self.predictor.condition(kit_weights, drummer)


class PredictorGraph(nn.Module):
    """(grid, inlet, film, kits, shares, temperature, noise, states...) -> (codes, new states...)."""

    def __init__(self, predictor: "LivePredictor") -> None:
        super().__init__()
        self.predictor = predictor

    def forward(
        self, grid: Tensor, inlet: Tensor, film: Tensor, kits: Tensor, shares: Tensor, temperature: Tensor,
        noise: Tensor, *state: Tensor,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        """See `LivePredictor.step`."""
        codes, new = self.predictor.step(grid, (inlet, film, kits, shares), temperature, noise, list(state))
        return codes, *new


class DecoderGraph(nn.Module):
    """(codes, states...) -> (audio [B, T * hop, channels], new states...); the codebooks are part of it."""

    def __init__(self, codec: "DrumCodec") -> None:
        super().__init__()
        self.decoder = codec.decoder
        books, size, width = codec.codebooks.shape
        self.register_buffer("entries", codec.codebooks.detach().reshape(books * size, width).clone())
        self.register_buffer("first", torch.arange(books) * size)

    def forward(self, codes: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """See `training.codecs.drum_codec.Decoder`."""
        chosen = nn.functional.embedding(codes + self.first, self.entries)  # type: ignore[arg-type]
        # Added one by one, because a sum operator rounds one hop otherwise than many: live would not be file.
        latent = chosen[:, :, 0]
        for book in range(1, chosen.shape[2]):
            latent = latent + chosen[:, :, book]
        audio, new = self.decoder(latent, list(state))
        return audio, *new


@dataclass(frozen=True)
class Tracing:
    """A module with everything that its export and its parity check need."""

    role: str
    module: nn.Module
    inputs: dict[str, Tensor]
    """Example inputs by name in order, the states last."""
    outputs: tuple[str, ...]
    """Names of the outputs before the states."""
    dynamic: dict[str, dict[int, str]]
    """Axes of inputs and outputs that vary."""
    state: tuple[StateTensor, ...] = ()

    def __post_init__(self) -> None:
        # The wrapper itself, too: torch's exporter brings everything inside back into the wrapper's mode.
        self.module.eval()

    @property
    def output_names(self) -> list[str]:
        """All outputs in order."""
        return [*self.outputs, *(f"{tensor.name}_next" for tensor in self.state)]


def tracings(
    codec: "DrumCodec", predictor: "LivePredictor", n_kits: int, n_drummers: int, *, rows: int = 8, batch: int = 2
) -> list[Tracing]:
    """The three graphs with random example inputs of `batch` passes and `rows` hops, the same each time."""
    random = torch.Generator().manual_seed(0)
    weights = torch.rand(1, n_kits, generator=random)
    condition_inputs = {"kit_weights": weights / weights.sum(), "drummer": torch.tensor([n_drummers - 1])}
    with torch.no_grad():
        condition = predictor.condition(*condition_inputs.values())
    books, size = codec.n_codebooks, codec.codebook_size
    uniform = torch.rand(batch, rows, books, size, generator=random).clamp_min(1e-12)
    grid = _random_grid(batch, rows)
    predictor_inputs = {
        "grid": grid, **dict(zip(CONDITION, condition, strict=True)), "temperature": torch.linspace(0, 1, books),
        "noise": -torch.log(-torch.log(uniform)),
    }  # fmt: skip
    codes = {"codes": torch.randint(size, (batch, rows, books), generator=random)}
    return [
        _tracing("condition", ConditionGraph(predictor), condition_inputs, CONDITION, []),
        _tracing(
            "predictor", PredictorGraph(predictor), predictor_inputs, ("codes",),
            _random_like(predictor.initial_state(batch, grid), random),
        ),
        _tracing(
            "decoder", DecoderGraph(codec), codes, ("audio",),
            _random_like(codec.decoder.initial_state(batch, grid), random),
        ),
    ]  # fmt: skip


_PASS: Final = {0: "passes", 1: "hops"}
_AXES: Final = {"grid": _PASS, "noise": _PASS, "codes": _PASS, "audio": {0: "passes", 1: "frames"}}


def _tracing(
    role: str, module: nn.Module, inputs: dict[str, Tensor], outputs: tuple[str, ...], state: Sequence[Tensor]
) -> Tracing:
    names = [f"{role}_{index:02}" for index in range(len(state))]
    tensors = tuple(StateTensor(name, tuple(value.shape[1:])) for name, value in zip(names, state, strict=True))
    every = {**inputs, **dict(zip(names, state, strict=True))}
    dynamic = {name: axes for name, axes in _AXES.items() if name in every or name in outputs}
    for name in names:
        dynamic[name] = dynamic[f"{name}_next"] = {0: "passes"}
    return Tracing(role, module, every, outputs, dynamic, tensors)


def _random_grid(batch: int, rows: int) -> Tensor:
    """[batch, rows, columns]: strokes of one piece each, as in a pass."""
    random = np.random.default_rng(0)
    grid = np.empty((batch, rows, N_COLUMNS), np.float32)
    for number, one in enumerate(grid):
        lanes = lanes_of_piece(PIECES[-1 - number % len(PIECES)])
        stream = GridStream(256)
        for row in one:
            struck = [HopHit(int(lane), int(random.integers(256)), float(random.random())) for lane in lanes]
            row[:] = stream.row(HopEvents(tuple(hit for hit in struck if random.random() < 0.5)))
    return torch.from_numpy(grid)


def _random_like(state: Sequence[Tensor], random: torch.Generator) -> list[Tensor]:
    return [0.5 * torch.randn(tensor.shape, generator=random) for tensor in state]
