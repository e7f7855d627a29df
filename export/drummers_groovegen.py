"""The groove network as three ONNX graphs in a model folder: prior, begin, step.

`step` plays one slot: it draws, too, from the noise that it is given (Gumbel's, times the temperature), so that one
call is enough although each piece knows the pieces before it.
"""

from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drummers.groovegen import KIND
from drummers.groovegen_features import CHOICES, FIRST_CHOICE, N_CHOICES, N_CONDITIONS, N_PAST, N_PLACE
from drummers.model_folder import load_folder, write_folder
from drummers.tokens import OFFSETS, VELOCITIES
from export.precision import round_to_half, store_half
from ghostnote.articulations import PIECES
from ghostnote.errors import BundleError
from training.drummers.groovegen import load
from training.drummers.groovegen_net import GrooveNet, near

NAME: Final = "Ghostnote groove 1"
TOLERANCE: Final = 1e-3
TEMPERATURE: Final = 1.0
FEEL_TEMPERATURE: Final = 0.8


class _Prior(nn.Module):
    def __init__(self, net: GrooveNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, conditions: Tensor) -> tuple[Tensor, Tensor]:
        return self.net.prior(conditions)


class _Begin(_Prior):
    def forward(self, latent: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        return self.net.begin(latent, conditions)


class _Step(_Prior):
    def forward(  # type: ignore[override]
        self,
        past: Tensor,
        place: Tensor,
        conditions: Tensor,
        given: Tensor,
        state: Tensor,
        bias: Tensor,
        toss: Tensor,
        feel_toss: Tensor,
    ) -> tuple[Tensor, ...]:
        net = self.net
        out, state = net.core(F.gelu(net.read(torch.cat([past, place, given], 1)))[:, None], state[None])
        states = torch.cat([out[:, 0], given], 1)
        base = net.hits(states) + bias + toss + net.expected(conditions, past[:, None], place[:, None])[:, 0]
        after = net.earlier * net.order
        chosen, picks = torch.zeros_like(base), []
        for piece, size in enumerate(CHOICES):
            first = FIRST_CHOICE[piece]
            scores = (base + chosen @ after)[:, first : first + size]
            pick = scores.argmax(1)
            picks.append(pick)
            chosen = chosen + F.pad(F.one_hot(pick, size).float(), (first, N_CHOICES - first - size))
        choice = torch.stack(picks, 1)
        index = choice + torch.tensor(FIRST_CHOICE[:-1])
        n = len(PIECES)
        spread = [x[:, None].expand(-1, n, -1).flatten(0, 1) for x in (states, chosen, past)]
        struck = F.one_hot(index.flatten(), N_CHOICES).float()
        feel = net.feel_logits(spread[0], spread[1], struck, near(spread[2], index.flatten()))
        offset, velocity = (feel.unflatten(0, (-1, n)) + feel_toss).split((OFFSETS, VELOCITIES), 2)
        return choice, offset.argmax(2), velocity.argmax(2), state[0]


def export(run: Path, folder: Path) -> None:
    """Write the model folder of the run folder `run`. Raises BundleError if a graph differs from its network."""
    net, about = load(run)
    round_to_half(net)
    folder.mkdir(parents=True, exist_ok=True)
    latent, width, inside = net.config.latent, net.config.width, net.config.inside
    torch.manual_seed(0)
    b = 2
    parts: dict[str, tuple[nn.Module, dict[str, Tensor], list[str]]] = {
        "prior": (_Prior(net), {"conditions": torch.randn(b, N_CONDITIONS)}, ["mean", "log_variance"]),
        "begin": (_Begin(net), {"latent": torch.randn(b, latent), "conditions": torch.randn(b, N_CONDITIONS)},
                  ["given", "state"]),
        "step": (_Step(net), {
            "past": torch.rand(b, N_PAST), "place": torch.rand(b, N_PLACE),
                "conditions": torch.randn(b, N_CONDITIONS), "given": torch.randn(b, inside),
            "state": torch.randn(b, width), "bias": torch.zeros(N_CHOICES), "toss": torch.randn(b, N_CHOICES),
            "feel_toss": torch.randn(b, len(PIECES), OFFSETS + VELOCITIES),
        }, ["choice", "offset", "velocity", "state_next"]),
    }  # fmt: skip
    for name, (part, inputs, outputs) in parts.items():
        path = folder / f"{name}.onnx"
        fixed = {"bias"}
        torch.onnx.export(
            part.eval(), tuple(inputs.values()), path, input_names=list(inputs), output_names=outputs,
            dynamic_axes={key: {0: "batch"} for key in (*inputs, *outputs) if key not in fixed},
            opset_version=18, dynamo=False,
        )  # fmt: skip
        store_half(path)
    facts = {"temperature": TEMPERATURE, "feel_temperature": FEEL_TEMPERATURE,
             "latent": latent}  # fmt: skip
    training = {
        "data": "Groove MIDI Dataset, train split (Gillick et al. 2019, CC BY 4.0)",
        "minutes": round(float(about["minutes"]), 1),
        "steps": about["step"],
    }
    metrics = {f"validation_{key}": round(value, 3) for key, value in about["validation"].items()}
    write_folder(folder, KIND, NAME, facts, training=training, metrics=metrics)
    _compare(folder, parts)


def _compare(folder: Path, parts: dict[str, tuple[nn.Module, dict[str, Tensor], list[str]]]) -> None:
    model = load_folder(folder, KIND)
    for name, (part, inputs, outputs) in parts.items():
        with torch.no_grad():
            expected = part.eval()(*inputs.values())
        found = model.session(name).run(None, {key: value.numpy() for key, value in inputs.items()})
        for output, a, e in zip(outputs, found, expected if isinstance(expected, tuple) else (expected,), strict=True):
            apart = float(np.abs(np.asarray(a) - e.numpy()).max())
            if apart > TOLERANCE:
                raise BundleError(f"graph {name} gives {output} {apart:.2g} away from its network: do not ship it")
