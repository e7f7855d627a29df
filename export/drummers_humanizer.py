"""The humaniser's two networks as ONNX graphs in a model folder, three graphs each."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from drummers.humanizer import KIND
from drummers.humanizer_features import HISTORY
from drummers.humanizer_network import PARTS, Temperature
from drummers.model_folder import load_folder, write_folder
from export.precision import round_to_half, store_half
from ghostnote.errors import BundleError
from training.drummers.humanizer import CHECKPOINT, load_checkpoint
from training.drummers.humanizer_net import HumanizerNet

NAME: Final = "Ghostnote humaniser 1"
TEMPERATURE: Final = Temperature(1.0, 1.0)
"""As the networks think; not tuned."""
TOLERANCE: Final = 1e-3
"""Largest difference between a graph and the network, in logits."""
_OUTPUTS: Final = {"context": ["hidden"], "timing": ["logits", "state"], "loudness": ["logits"]}
_log = logging.getLogger(__name__)


class _Part(nn.Module):
    """One method of the network as a module."""

    def __init__(self, net: HumanizerNet, method: str) -> None:
        super().__init__()
        self.net, self.method = net, method

    def forward(self, *inputs: Tensor) -> Any:
        """The method."""
        return getattr(self.net, self.method)(*inputs)


def _examples(net: HumanizerNet, n: int) -> dict[str, dict[str, Tensor]]:
    """Inputs of every graph by name, drawn with seed 0."""
    torch.manual_seed(0)
    width = net.size.width
    return {
        "context": {"rows": torch.rand(n, net.size.columns).round()},
        "timing": {"hidden": torch.randn(n, width), "history": torch.randn(n, HISTORY)},
        "loudness": {"state": torch.randn(n, width), "offset": 0.02 * torch.randn(n)},
    }


def export(run: Path, folder: Path) -> None:
    """Write the model folder of a training. Raises BundleError if a graph does not compute what its network does."""
    nets, losses, seconds, about = load_checkpoint(run / CHECKPOINT)
    folder.mkdir(parents=True, exist_ok=True)
    for name, net in nets.items():
        round_to_half(net)
        for part, inputs in _examples(net, 3).items():
            path = folder / f"{name}_{part}.onnx"
            _export(_Part(net, part), inputs, _OUTPUTS[part], path)
            store_half(path)
    facts = {"offset_temperature": TEMPERATURE.offset, "velocity_temperature": TEMPERATURE.velocity}
    training = {
        "data": "Groove MIDI Dataset 1.0.0 (Gillick et al. 2019), split train",
        "licence": "CC BY 4.0",
        "minutes": round(seconds / 60, 1),
        **about,
    }
    found = {f"{name}_{part}_nll": round(value, 4) for name, of in losses.items() for part, value in of.items()}
    write_folder(folder, KIND, NAME, facts, training=training, metrics=found)
    check_parity(nets, folder)


def _export(part: nn.Module, inputs: dict[str, Tensor], outputs: list[str], path: Path) -> None:
    names = [*inputs, *outputs]
    torch.onnx.export(
        part.eval(),
        tuple(inputs.values()),
        path,
        input_names=list(inputs),
        output_names=outputs,
        dynamic_axes={name: {0: "hits"} for name in names},
        opset_version=18,
        dynamo=False,
    )


def check_parity(nets: Mapping[str, HumanizerNet], folder: Path) -> float:
    """The largest difference between the folder's graphs and the networks; BundleError above `TOLERANCE`."""
    model = load_folder(folder, KIND)
    worst = 0.0
    for name, net in nets.items():
        for part in PARTS:
            inputs = _examples(net, 7)[part]
            with torch.no_grad():
                expected = _Part(net, part)(*inputs.values())
            found = model.session(f"{name}_{part}").run(None, {key: value.numpy() for key, value in inputs.items()})
            for ours, theirs in zip(found, expected if isinstance(expected, tuple) else (expected,), strict=True):
                worst = max(worst, float(np.abs(np.asarray(ours) - theirs.numpy()).max()))
    _log.info("%s: largest difference from the networks %.1e", folder, worst)
    if worst > TOLERANCE:
        raise BundleError(f"{folder}: the graphs differ from the networks by {worst:.2g}, more than {TOLERANCE:g}")
    return worst
