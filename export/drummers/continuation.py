"""The continuation network as three ONNX graphs in a model folder: Transformer with its cache, lane head, feel head.

`body` takes new positions and the keys and values of those before: `context`, which all candidates for a bar share, and
`past`, each one's own, which grows by the new positions to the output `present`. `lane` and `feel` finish a token.
Weights are stored as 16-bit floats and computed in 32 bits.
"""

import json
from pathlib import Path
from typing import Final

import torch

from drummers.common.model_folder import write_folder
from drummers.common.styles import STYLES
from drummers.continuation.features import FIELDS, LOOK, NEAR
from drummers.continuation.model import KIND
from export.drummers.common import Method, check_graphs, first_axis, write_graphs
from export.graphs import Tracing
from export.precision import round_to_half
from ghostnote.errors import InputError
from ghostnote.music.articulations import N_LANES
from training.checkpoints import read_weights
from training.drummers.continuation.loop import BEST, load_net
from training.drummers.continuation.network import PLANES, ContinuationNet
from training.drummers.continuation.train import DECODING

NAME: Final = "Ghostnote continuation 1"
DATA: Final = "Groove MIDI Dataset 1.0.0 (Gillick et al. 2019), splits train and validation"
LICENCE: Final = "CC BY 4.0"
_SHAPES: Final = ((1, 40, 0, 0), (8, 1, 57, 0), (8, 1, 57, 20))
"""Of the parity check, see `_tracings`."""
_BODY_OUTPUTS: Final = ("state", "shift", "present")


def _tracings(net: ContinuationNet, batch: int, length: int, shared: int, before: int) -> list[Tracing]:
    """The graphs with inputs drawn with seed 0: `length` positions after `shared` ones and `before` of their own."""
    torch.manual_seed(0)
    c = net.config
    body = {
        "fields": torch.randint(0, 5, (batch, length, len(FIELDS))),
        "time": torch.arange(length).float().expand(batch, length) + before,
        "echo": torch.rand(batch, length, PLANES, LOOK, N_LANES),
        "context": torch.randn(c.layers, 2, 1, c.heads, shared, c.width // c.heads),
        "past": torch.randn(c.layers, 2, batch, c.heads, before, c.width // c.heads),
    }
    state = torch.randn(batch, c.width)
    shift, lane = torch.randint(0, 6, (batch,)), torch.randint(0, N_LANES, (batch,))
    heads = {
        "lane": {"state": state, "shift": shift, "echo": torch.rand(batch, PLANES, N_LANES)},
        "feel": {"state": state, "shift": shift, "lane": lane, "near": torch.rand(batch, NEAR)},
    }
    dynamic = {name: _axes(name) for name in (*body, *_BODY_OUTPUTS)}
    return [
        Tracing("body", net, body, _BODY_OUTPUTS, dynamic),
        *(
            Tracing(name, Method(net, name), inputs, ("logits",), first_axis("batch", *inputs, "logits"))
            for name, inputs in heads.items()
        ),
    ]


def _axes(name: str) -> dict[int, str]:
    """The axes of an input or output of `body` that vary."""
    if name == "context":
        return {4: "context"}
    if name in ("past", "present"):
        return {2: "batch", 4: name}
    return {0: "batch", 1: "length"}


def export(run: Path, folder: Path) -> None:
    """Write the model folder of a finished run (`training.drummers.continuation.train.train`).

    Raises BundleError if a graph does not compute what the network computes, InputError for a run that is not finished
    or that knows other styles.
    """
    checkpoint, decoding = run / BEST, run / DECODING
    _, about = read_weights(checkpoint)
    if about["styles"] != list(STYLES):
        raise InputError(f"{checkpoint} was trained with other styles than this program's: train it again")
    if not decoding.is_file():
        raise InputError(f"{run} is not finished: resume with `ghostnote train-drummers {KIND}`")
    chosen = json.loads(decoding.read_text(encoding="utf-8"))
    net = load_net(checkpoint)
    round_to_half(net)
    write_graphs(_tracings(net, 2, 3, 5, 4), folder)
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
    check_graphs(folder, KIND, [one for shape in _SHAPES for one in _tracings(net, *shape)])
