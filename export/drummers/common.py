"""What the exporters of the drummers share: methods of a network as graphs, written with 16-bit weights and checked."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from torch import Tensor, nn

from drummers.common.model_folder import load_folder
from export.bundle_writer import write_graph
from export.graphs import Tracing
from export.parity import compare
from export.precision import store_half
from ghostnote.errors import BundleError

OPSET: Final = 18
TOLERANCE: Final = 1e-3
"""Largest difference between an output of a graph and the network's, mostly logits."""
_log = logging.getLogger(__name__)


class Method(nn.Module):
    """One method of a network as a module."""

    def __init__(self, net: nn.Module, method: str) -> None:
        super().__init__()
        self.net, self.method = net, method

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """What the method gives, one tensor as a tuple of one."""
        found = getattr(self.net, self.method)(*inputs)
        return found if isinstance(found, tuple) else (found,)


def first_axis(axis: str, *names: str) -> dict[str, dict[int, str]]:
    """`Tracing.dynamic` of inputs and outputs of which only the first axis varies."""
    return {name: {0: axis} for name in names}


def write_graphs(tracings: Iterable[Tracing], folder: Path) -> None:
    """Write ROLE.onnx of every tracing into `folder`: weights as 16-bit floats, computed with in 32 bits."""
    folder.mkdir(parents=True, exist_ok=True)
    for tracing in tracings:
        path = folder / f"{tracing.role}.onnx"
        write_graph(tracing, path, OPSET)
        store_half(path)


def check_graphs(folder: Path, kind: str, samples: Sequence[Tracing]) -> None:
    """Compare the model folder's graphs, as the program loads them, with their networks.

    Raises BundleError if an output differs by more than `TOLERANCE`.
    """
    model = load_folder(folder, kind)
    found = [parity for tracing in samples for parity in compare(model.session(tracing.role), [tracing])]
    worst = max(found, key=lambda parity: parity.error)
    _log.info("%s: largest difference from the network %.1e", folder, worst.error)
    if worst.error > TOLERANCE:
        apart = f"graph {worst.graph} gives {worst.tensor} {worst.error:.2g} away from its network"
        raise BundleError(f"{folder}: {apart}, more than {TOLERANCE:g}: do not ship it")
