"""One ONNX graph in ONNX Runtime: arrays in, arrays out. Alone in this package, it imports onnxruntime.

Session options are set here once and explicitly: `threads` threads inside an operator, one operator at a time, no
spinning (a spinning pool takes a core from the audio thread).
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import onnxruntime as ort
from numpy.typing import NDArray

from ghostnote.errors import BundleError, InputError

log = logging.getLogger(__name__)

Arrays = Mapping[str, NDArray[Any]]

PROVIDERS: Final = {
    "cpu": [("CPUExecutionProvider", {})],
    "cuda": [
        # HEURISTIC: the exhaustive search of cuDNN would run anew for every new number of hops.
        ("CUDAExecutionProvider", {"cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested"}),
        ("CPUExecutionProvider", {}),
    ],
}
"""Choice -> execution providers in order of preference."""


class GraphSession:
    """A loaded graph."""

    def __init__(self, path: Path, *, threads: int = 1, provider: str = "cpu") -> None:
        """Raises BundleError for a file that is no graph, InputError for an unknown provider."""
        if provider not in PROVIDERS:
            raise InputError(f"no provider {provider!r}: choose {' or '.join(PROVIDERS)}")
        if provider == "cuda":
            ort.preload_dlls()
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(path, options, PROVIDERS[provider])
        except Exception as error:  # ONNX Runtime's exceptions have no common base
            raise BundleError(f"{path} is not a graph that ONNX Runtime can load: {_one_line(error)}") from error
        self.path = path
        self.provider = self._session.get_providers()[0]
        """The execution provider that really runs, by ONNX Runtime's name: it falls back to the CPU silently."""
        if provider == "cuda" and self.provider != "CUDAExecutionProvider":
            log.warning("CUDA was asked for but is not available: running on %s", self.provider)

    @property
    def names(self) -> tuple[Sequence[str], Sequence[str]]:
        """Names of the inputs and of the outputs."""
        return (
            [entry.name for entry in self._session.get_inputs()],
            [entry.name for entry in self._session.get_outputs()],
        )

    def shape_of(self, name: str) -> tuple[int, ...]:
        """Shape of an input, 0 where it varies. Raises BundleError if there is no such input."""
        for entry in self._session.get_inputs():
            if entry.name == name:
                return tuple(size if isinstance(size, int) else 0 for size in entry.shape)
        raise BundleError(f"{self.path} has no input {name!r}: export the bundle again")

    def close(self) -> None:
        """Free the graph, which may take two milliseconds in which no other thread can run."""
        del self._session

    def run(self, feeds: Arrays) -> list[NDArray[Any]]:
        """All outputs in order."""
        return self._session.run(None, dict(feeds))  # type: ignore[return-value]

    def check(self, feeds: Arrays, expected: Mapping[str, tuple[int, ...]]) -> None:
        """Run once; raises BundleError unless the outputs have these names and shapes and are finite."""
        try:
            outputs = dict(zip(self.names[1], self.run(feeds), strict=True))
        except Exception as error:
            raise BundleError(f"{self.path} does not run: {_one_line(error)}") from error
        shapes = {name: value.shape for name, value in outputs.items()}
        if shapes != dict(expected):
            raise BundleError(f"{self.path} outputs {shapes}, expected {dict(expected)}: export the bundle again")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
