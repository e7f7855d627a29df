"""Does the graph compute what the network computes? Both run on the same inputs, every output is compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray

from export.graphs import Tracing

TOLERANCE: Final = 1e-4
"""Largest error of a tensor."""
CODE_TOLERANCE: Final = 1e-2
"""Largest share of codes that differ: rounding decides between two almost equally likely codes."""

Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Parity:
    """One output of one graph."""

    graph: str
    tensor: str
    shape: tuple[int, ...]
    error: float
    """Largest absolute difference; for codes the share that differs."""

    @property
    def holds(self) -> bool:
        """Whether the difference is one of rounding."""
        return self.error <= (CODE_TOLERANCE if self.tensor == "codes" else TOLERANCE)


def run_network(tracing: Tracing) -> Arrays:
    """Outputs of the network by name."""
    with torch.no_grad():
        outputs = tracing.module(*tracing.inputs.values())
    return {name: value.numpy() for name, value in zip(tracing.outputs, outputs, strict=True)}


def open_graph(path: Path) -> ort.InferenceSession:
    """The exported graph, ready to run."""
    return ort.InferenceSession(path, providers=["CPUExecutionProvider"])


def run_graph(session: ort.InferenceSession, tracing: Tracing) -> Arrays:
    """Outputs of the exported graph by name."""
    outputs = session.run(tracing.outputs, {name: value.numpy() for name, value in tracing.inputs.items()})
    return dict(zip(tracing.outputs, outputs, strict=True))  # type: ignore[arg-type]


def compare(session: ort.InferenceSession, samples: Sequence[Tracing]) -> list[Parity]:
    """For each output the worst of all `samples`: the same network, inputs of several sizes."""
    found: list[Parity] = []
    for tracing in samples:
        expected, actual = run_network(tracing), run_graph(session, tracing)
        found += [
            Parity(tracing.role, name, value.shape, difference(name, value, actual[name]))
            for name, value in expected.items()
        ]
    names = dict.fromkeys(parity.tensor for parity in found)
    return [max((p for p in found if p.tensor == name), key=lambda p: p.error) for name in names]


def difference(name: str, expected: NDArray[np.generic], actual: NDArray[np.generic]) -> float:
    """As `Parity.error`; infinite where the shapes differ or something is not finite."""
    if expected.shape != actual.shape or not np.isfinite(actual).all():
        return float("inf")
    if name == "codes":
        return float(np.mean(expected != actual))
    return float(np.max(np.abs(expected.astype(np.float64) - actual.astype(np.float64)), initial=0.0))
