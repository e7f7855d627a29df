"""The groove network as three ONNX graphs in a model folder: prior, begin, step.

`step` plays one slot: it draws, too, from the noise that it is given (Gumbel's, times the temperature), so that one
call is enough although each piece knows the pieces before it.
"""

from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drummers.common.model_folder import write_folder
from drummers.common.tokens import OFFSETS, VELOCITIES
from drummers.groovegen.features import CHOICES, FIRST_CHOICE, N_CHOICES, N_CONDITIONS, N_PAST, N_PLACE
from drummers.groovegen.model import KIND
from export.drummers.common import Method, check_graphs, first_axis, write_graphs
from export.graphs import Tracing
from export.precision import round_to_half
from ghostnote.music.articulations import PIECES
from training.drummers.groovegen.network import GrooveNet, near
from training.drummers.groovegen.train import load

NAME: Final = "Ghostnote groove 1"
TEMPERATURE: Final = 1.0
FEEL_TEMPERATURE: Final = 0.8
SPREAD: Final = 2.0
"""Latents from the prior as it is play loops that are more typical of their style than takes are (docs/drummers.md)."""


class _Step(nn.Module):
    def __init__(self, net: GrooveNet) -> None:
        super().__init__()
        self.net = net

    def forward(
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


def _tracings(net: GrooveNet, b: int) -> list[Tracing]:
    """The graphs with inputs for `b` grooves, drawn with seed 0."""
    latent, width, inside = net.config.latent, net.config.width, net.config.inside
    torch.manual_seed(0)
    prior = {"conditions": torch.randn(b, N_CONDITIONS)}
    begin = {"latent": torch.randn(b, latent), "conditions": torch.randn(b, N_CONDITIONS)}
    step = {
        "past": torch.rand(b, N_PAST),
        "place": torch.rand(b, N_PLACE),
        "conditions": torch.randn(b, N_CONDITIONS),
        "given": torch.randn(b, inside),
        "state": torch.randn(b, width),
        "bias": torch.zeros(N_CHOICES),
        "toss": torch.randn(b, N_CHOICES),
        "feel_toss": torch.randn(b, len(PIECES), OFFSETS + VELOCITIES),
    }
    parts: list[tuple[str, nn.Module, dict[str, Tensor], tuple[str, ...]]] = [
        ("prior", Method(net, "prior"), prior, ("mean", "log_variance")),
        ("begin", Method(net, "begin"), begin, ("given", "state")),
        ("step", _Step(net), step, ("choice", "offset", "velocity", "state_next")),
    ]
    return [
        Tracing(role, module, inputs, outputs, first_axis("batch", *(inputs.keys() - {"bias"}), *outputs))
        for role, module, inputs, outputs in parts
    ]


def export(run: Path, folder: Path) -> None:
    """Write the model folder of the run folder `run`. Raises BundleError if a graph differs from its network."""
    net, about = load(run)
    round_to_half(net)
    tracings = _tracings(net, 2)
    write_graphs(tracings, folder)
    facts = {
        "temperature": TEMPERATURE,
        "feel_temperature": FEEL_TEMPERATURE,
        "latent": net.config.latent,
        "spread": SPREAD,
    }
    training = {
        "data": "Groove MIDI Dataset, train split (Gillick et al. 2019, CC BY 4.0)",
        "minutes": round(float(about["minutes"]), 1),
        "steps": about["step"],
    }
    metrics = {f"validation_{key}": round(value, 3) for key, value in about["validation"].items()}
    write_folder(folder, KIND, NAME, facts, training=training, metrics=metrics)
    check_graphs(folder, KIND, tracings)
