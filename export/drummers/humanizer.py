"""The humaniser's two networks as ONNX graphs in a model folder, three graphs each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from drummers.common.model_folder import write_folder
from drummers.humanizer.features import HISTORY
from drummers.humanizer.model import KIND
from drummers.humanizer.network import Temperature
from export.drummers.common import Method, check_graphs, first_axis, write_graphs
from export.graphs import Tracing
from export.precision import round_to_half
from training.drummers.humanizer.network import HumanizerNet
from training.drummers.humanizer.train import CHECKPOINT, load_checkpoint

NAME: Final = "Ghostnote humaniser 1"
TEMPERATURE: Final = Temperature(1.15, 1.0)
"""Offsets a little freer than the networks think: nearer to real takes on validation (docs/drummers.md)."""
_OUTPUTS: Final = {"context": ("hidden",), "timing": ("logits", "state"), "loudness": ("logits",)}


def _examples(net: HumanizerNet, n: int) -> dict[str, dict[str, Tensor]]:
    """Inputs of every graph for `n` hits by name, drawn with seed 0."""
    torch.manual_seed(0)
    width = net.size.width
    return {
        "context": {"rows": torch.rand(n, net.size.columns).round()},
        "timing": {"hidden": torch.randn(n, width), "history": torch.randn(n, HISTORY)},
        "loudness": {"state": torch.randn(n, width), "offset": 0.02 * torch.randn(n)},
    }


def _tracings(nets: Mapping[str, HumanizerNet], n: int) -> list[Tracing]:
    return [
        Tracing(
            f"{name}_{part}", Method(net, part), inputs, _OUTPUTS[part], first_axis("hits", *inputs, *_OUTPUTS[part])
        )
        for name, net in nets.items()
        for part, inputs in _examples(net, n).items()
    ]


def export(run: Path, folder: Path) -> None:
    """Write the model folder of a training. Raises BundleError if a graph does not compute what its network does."""
    nets, losses, seconds, about, loudness = load_checkpoint(run / CHECKPOINT)
    for net in nets.values():
        round_to_half(net)
    write_graphs(_tracings(nets, 3), folder)
    facts = {
        "offset_temperature": TEMPERATURE.offset,
        "velocity_temperature": TEMPERATURE.velocity,
        "loudness": loudness,
    }
    training = {
        "data": "Groove MIDI Dataset 1.0.0 (Gillick et al. 2019), split train",
        "licence": "CC BY 4.0",
        "minutes": round(seconds / 60, 1),
        **about,
    }
    found = {f"{name}_{part}_nll": round(value, 4) for name, of in losses.items() for part, value in of.items()}
    write_folder(folder, KIND, NAME, facts, training=training, metrics=found)
    check_graphs(folder, KIND, _tracings(nets, 7))
