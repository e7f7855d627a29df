"""The continuation network as three ONNX graphs in a model folder: Transformer with its cache, lane head, feel head.

`body` takes new positions and the keys and values of those before: `context`, which all candidates for a bar share, and
`past`, each one's own, which grows by the new positions to the output `present`. `lane` and `feel` finish a token.
Weights are stored as 16-bit floats and computed in 32 bits.
"""

import json
import logging
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from drummers.continuation import KIND
from drummers.continuation_features import FIELDS, LOOK, NEAR
from drummers.model_folder import load_folder, write_folder
from drummers.styles import STYLES
from export.precision import round_to_half, store_half
from ghostnote.articulations import N_LANES
from ghostnote.errors import BundleError, InputError
from training.checkpoints import read_weights
from training.drummers.continuation import BEST, load_net
from training.drummers.continuation_net import PLANES, ContinuationNet
from training.drummers.continuation_trainer import DECODING

NAME: Final = "Ghostnote continuation 1"
DATA: Final = "Groove MIDI Dataset 1.0.0 (Gillick et al. 2019), splits train and validation"
LICENCE: Final = "CC BY 4.0"
TOLERANCE: Final = 1e-3
"""Largest difference between a graph and the network, in logits."""
_log = logging.getLogger(__name__)


class _Part(nn.Module):
    """One method of the network as a module."""

    def __init__(self, net: ContinuationNet, method: str) -> None:
        super().__init__()
        self.net, self.method = net, method

    def forward(self, *inputs: Tensor) -> Any:
        """The method."""
        return getattr(self.net, self.method)(*inputs)


def _examples(net: ContinuationNet, batch: int, length: int, shared: int, before: int) -> dict[str, dict[str, Tensor]]:
    """Inputs of every graph by name, drawn with seed 0."""
    torch.manual_seed(0)
    c = net.config
    fields = torch.randint(0, 5, (batch, length, len(FIELDS)))
    state = torch.randn(batch, c.width)
    shift, lane = torch.randint(0, 6, (batch,)), torch.randint(0, N_LANES, (batch,))
    return {
        "body": {
            "fields": fields,
            "time": torch.arange(length).float().expand(batch, length) + before,
            "echo": torch.rand(batch, length, PLANES, LOOK, N_LANES),
            "context": torch.randn(c.layers, 2, 1, c.heads, shared, c.width // c.heads),
            "past": torch.randn(c.layers, 2, batch, c.heads, before, c.width // c.heads),
        },
        "lane": {"state": state, "shift": shift, "echo": torch.rand(batch, PLANES, N_LANES)},
        "feel": {"state": state, "shift": shift, "lane": lane, "near": torch.rand(batch, NEAR)},
    }


_METHODS: Final = {"body": "forward", "lane": "lane", "feel": "feel"}
_OUTPUTS: Final = {"body": ["state", "shift", "present"], "lane": ["logits"], "feel": ["logits"]}


def export(run: Path, folder: Path) -> None:
    """Write the model folder of a finished run (`training.drummers.continuation_trainer.train`).

    Raises BundleError if a graph does not compute what the network computes, InputError for a run that is not finished
    or that knows other styles.
    """
    checkpoint, decoding = run / BEST, run / DECODING
    _, about = read_weights(checkpoint)
    if about["styles"] != list(STYLES):
        raise InputError(f"{checkpoint} was trained with other styles than this program's: train it again")
    if not decoding.is_file():
        raise InputError(f"{run} is not finished: go on with `ghostnote train-drummers {KIND}`")
    chosen = json.loads(decoding.read_text(encoding="utf-8"))
    net = load_net(checkpoint)
    round_to_half(net)
    folder.mkdir(parents=True, exist_ok=True)
    for name, inputs in _examples(net, 2, 3, 5, 4).items():
        path = folder / f"{name}.onnx"
        _export(_Part(net, _METHODS[name]), inputs, _OUTPUTS[name], path)
        store_half(path)
    write_folder(
        folder,
        KIND,
        NAME,
        {"candidates": chosen["candidates"], "temperature": chosen["temperature"], "network": about["network"]},
        training={
            "data": DATA,
            "licence": LICENCE,
            **about["run"],
            "minutes": about["minutes"],
            "steps": about["step"],
        },
        metrics={"split": "validation", **about["validation"], **chosen["measures"]},
    )
    check_parity(net, folder)


def _axes(name: str) -> dict[int, str]:
    """The axes of an input or output of `body` that vary."""
    if name == "context":
        return {4: "context"}
    if name in ("past", "present"):
        return {2: "batch", 4: name}
    return {0: "batch", 1: "length"}


def _export(part: nn.Module, inputs: dict[str, Tensor], outputs: list[str], path: Path) -> None:
    body = "past" in inputs
    names = [*inputs, *outputs]
    torch.onnx.export(
        part.eval(),
        tuple(inputs.values()),
        path,
        input_names=list(inputs),
        output_names=outputs,
        dynamic_axes={name: _axes(name) if body else {0: "batch"} for name in names},
        opset_version=18,
        dynamo=False,
    )


def check_parity(net: ContinuationNet, folder: Path) -> float:
    """The largest difference between the folder's graphs and the network; BundleError above `TOLERANCE`."""
    model = load_folder(folder, KIND)
    worst = 0.0
    for shape in ((1, 40, 0, 0), (8, 1, 57, 0), (8, 1, 57, 20)):
        for name, inputs in _examples(net, *shape).items():
            with torch.no_grad():
                expected = _Part(net, _METHODS[name])(*inputs.values())
            found = model.session(name).run(None, {key: value.numpy() for key, value in inputs.items()})
            expected = expected if isinstance(expected, tuple) else (expected,)
            for ours, theirs in zip(found, expected, strict=True):
                worst = max(worst, float(np.abs(np.asarray(ours) - theirs.numpy()).max()))
    _log.info("%s: largest difference from the network %.1e", folder, worst)
    if worst > TOLERANCE:
        raise BundleError(f"{folder}: the graphs differ from the network by {worst:.2g}, more than {TOLERANCE:g}")
    return worst
