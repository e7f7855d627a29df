"""What becomes an ONNX graph: the networks as stateless functions of tensors, every input and output named."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor, nn

from ghostnote.files.bundle import StateTensor
from ghostnote.music.articulations import PIECES, lanes_of_piece
from ghostnote.music.grid import N_COLUMNS, GridStream, HopEvents, HopHit

if TYPE_CHECKING:
    from training.codecs.drum_codec import DrumCodec
    from training.nets.causal import CausalStack, Past
    from training.predictors.live import LivePredictor


CONDITION: Final = ("inlet", "film", "strokes", "shares", "steps")
"""The outputs of the condition graph, by name."""


class ConditionGraph(nn.Module):
    """(kit_weights [1, kits], drummer [1]) -> inlet, film, strokes, shares, steps."""

    def __init__(self, predictor: "LivePredictor") -> None:
        super().__init__()
        self.predictor = predictor

    def forward(self, kit_weights: Tensor, drummer: Tensor) -> tuple[Tensor, ...]:
        """See `LivePredictor.condition`; film has the norms in it."""
        inlet, film, voices = self.predictor.condition(kit_weights, drummer)
        return inlet, self.predictor.stack.whole_film(film), *voices


class PredictorGraph(nn.Module):
    """(grid, inlet, film, strokes, shares, steps, temperature, noise, states...) -> (codes, new states...)."""

    def __init__(self, predictor: "LivePredictor") -> None:
        super().__init__()
        self.predictor = predictor

    def forward(
        self, grid: Tensor, inlet: Tensor, film: Tensor, strokes: Tensor, shares: Tensor, steps: Tensor,
        temperature: Tensor, noise: Tensor, *state: Tensor,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        """See `LivePredictor.step`."""
        condition = inlet, film, (strokes, shares, steps)
        codes, new = self.predictor.step(grid, condition, temperature, noise, pasts(state))
        return codes, *new


def pasts(rows: Sequence[Tensor]) -> "list[Past]":
    """The rows before a call, far and near of each block in turn, as the networks take them."""
    return list(zip(rows[::2], rows[1::2], strict=True))


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
        audio, new = self.decoder(latent, [*pasts(state[:-1]), state[-1]])
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

    def silence(self, passes: int, hops: int) -> dict[str, np.ndarray]:
        """Inputs of the states at the start of a call of so many hops."""
        shapes = {name: shape for tensor in self.state for name, shape in tensor.inputs(hops).items()}
        return {name: np.zeros((passes, *shape), np.float32) for name, shape in shapes.items()}


def tracings(
    codec: "DrumCodec", predictor: "LivePredictor", n_kits: int, n_drummers: int, *, rows: int = 8, batch: int = 2
) -> list[Tracing]:
    """The three graphs with random example inputs of `batch` passes and `rows` hops, the same each time."""
    random = torch.Generator().manual_seed(0)
    weights = torch.rand(1, n_kits, generator=random)
    condition_inputs = {"kit_weights": weights / weights.sum(), "drummer": torch.tensor([n_drummers - 1])}
    with torch.no_grad():
        condition = ConditionGraph(predictor)(*condition_inputs.values())
    books, size = codec.n_codebooks, codec.codebook_size
    uniform = torch.rand(batch, rows, books, size, generator=random).clamp_min(1e-12)
    grid = _random_grid(batch, rows)
    predictor_inputs = {
        "grid": grid, **dict(zip(CONDITION, condition, strict=True)), "temperature": torch.linspace(0, 1, books),
        "noise": -torch.log(-torch.log(uniform)),
    }  # fmt: skip
    codes = {"codes": torch.randint(size, (batch, rows, books), generator=random)}
    tail = StateTensor(f"decoder_{len(codec.decoder.stack.lags):02}", (codec.hop, codec.channels))
    return [
        _tracing("condition", ConditionGraph(predictor), condition_inputs, CONDITION, (), random),
        _tracing(
            "predictor", PredictorGraph(predictor), predictor_inputs, ("codes",),
            _histories("predictor", predictor.stack), random,
        ),
        _tracing(
            "decoder", DecoderGraph(codec), codes, ("audio",), (*_histories("decoder", codec.decoder.stack), tail),
            random,
        ),
    ]  # fmt: skip


_PASS: Final = {0: "passes", 1: "hops"}
_AXES: Final = {
    **dict.fromkeys(("grid", "codes"), _PASS), "noise": {0: "own_passes", 1: "own_hops"},
    "audio": {0: "passes", 1: "frames"}, "strokes": {3: "voices"},
    "shares": {3: "voiced_books"}, "steps": {3: "voiced_books"},
}  # fmt: skip


def _histories(role: str, stack: "CausalStack") -> tuple[StateTensor, ...]:
    return tuple(StateTensor(f"{role}_{n:02}", (lags[0], stack.channels), lags) for n, lags in enumerate(stack.lags))


def _tracing(
    role: str, module: nn.Module, inputs: dict[str, Tensor], outputs: tuple[str, ...],
    state: tuple[StateTensor, ...], random: torch.Generator,
) -> Tracing:  # fmt: skip
    batch, rows = next(iter(inputs.values())).shape[:2]
    every, dynamic = dict(inputs), {n: axes for n, axes in _AXES.items() if n in inputs or n in outputs}
    for tensor in state:
        for name, shape in tensor.inputs(rows).items():
            every[name] = 0.5 * torch.randn(batch, *shape, generator=random)
            dynamic[name] = {0: "passes", 1: f"{name}_rows"} if tensor.lags else {0: "passes"}
        dynamic[f"{tensor.name}_next"] = _PASS if tensor.lags else {0: "passes"}
    return Tracing(role, module, every, outputs, dynamic, state)


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
