"""The networks of a bundle in ONNX Runtime: arrays in, arrays out. No other module of the server imports onnxruntime.

Session options are set here once and explicitly: `threads` threads inside an operator, one operator at a time, no
spinning (a spinning pool takes a core from the audio thread). Loading runs one silent hop and checks what comes out.
Creating a session lets Python's lock go (with ONNX Runtime 1.31), so another thread may do it while this process plays.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from ghostnote.errors import BundleError, InputError
from ghostnote.files.bundle import Graph, Manifest, StateTensor, load_manifest
from server.render.graph_state import Floats, State

log = logging.getLogger(__name__)

Condition = Mapping[str, NDArray[Any]]
"""What a kit and a drummer make of the networks, by tensor name."""

PROVIDERS: Final = {
    "cpu": [("CPUExecutionProvider", {})],
    "cuda": [
        # HEURISTIC: the exhaustive search of cuDNN would run again for every new number of hops.
        ("CUDAExecutionProvider", {"cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested"}),
        ("CPUExecutionProvider", {}),
    ],
}
"""Choice -> execution providers in order of preference."""


class Networks:
    """Condition, predictor and decoder of one bundle. Stateless: the caller keeps a `State` for each of the latter."""

    def __init__(self, folder: Path, *, threads: int = 1, provider: str = "cpu") -> None:
        """Load the bundle in `folder`; raises BundleError, or InputError for an unknown provider."""
        if provider not in PROVIDERS:
            raise InputError(f"no provider {provider!r}: choose {' or '.join(PROVIDERS)}")
        if provider == "cuda":
            ort.preload_dlls()
        self.manifest: Manifest = load_manifest(folder)
        self._sessions = {g.role: _open(folder / g.file, threads, provider) for g in self.manifest.graphs}
        self.provider = self._sessions["predictor"].get_providers()[0]
        """The execution provider that really runs, by ONNX Runtime's name: it falls back to the CPU silently."""
        if provider == "cuda" and self.provider != "CUDAExecutionProvider":
            log.warning("CUDA was asked for but is not available: running on %s", self.provider)
        self._check(folder)

    def close(self) -> bool:
        """Free one graph: it may take two milliseconds, in which no other thread can run. False once none is left."""
        if self._sessions:
            self._sessions.popitem()
        return bool(self._sessions)

    def initial_state(self, role: str, most: int) -> State:
        """Silence of a graph for up to `most` passes, of which none is awake."""
        return State(self.manifest.graph(role).state, most)

    def condition(self, kit_weights: Floats, drummer: NDArray[np.int64]) -> Condition:
        """kit_weights [1, kits], drummer [1] -> what `predict` needs, by name; run once per change of kit."""
        session = self._sessions["condition"]
        values = session.run(None, {"kit_weights": kit_weights, "drummer": drummer})
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, values, strict=True))  # type: ignore[arg-type]

    def predict(
        self, grid: Floats, condition: Condition, temperature: Floats, noise: Floats, state: State
    ) -> NDArray[np.int64]:
        """grid [B, T, columns], temperature [K], noise [B or 1, T or 1, K, V], state of B passes -> codes [B, T, K]."""
        feeds = {"grid": grid, **condition, "temperature": temperature, "noise": noise}
        codes, new = self._run("predictor", feeds, grid.shape[1], state)
        state.take(new)
        return codes  # type: ignore[return-value]

    def decode(self, codes: NDArray[np.int64], state: State) -> Floats:
        """codes [B, T, K] -> audio [B, T * hop, channels]; `state` of B passes."""
        audio, new = self._run("decoder", {"codes": codes}, codes.shape[1], state)
        state.take(new)
        return audio

    def _run(
        self, role: str, feeds: Mapping[str, NDArray[Any]], hops: int, state: State
    ) -> tuple[Floats, list[Floats]]:
        result, *new = self._sessions[role].run(None, {**feeds, **state.feeds(hops)})
        return result, new  # type: ignore[return-value]

    def _silence(self, role: str) -> State:
        state = self.initial_state(role, 1)
        state.add()
        return state

    def _check(self, folder: Path) -> None:
        """One silent hop through all graphs: names, ranks, sizes and types are what the manifest says."""
        m = self.manifest
        try:
            for graph in m.graphs:
                _check_names(self._sessions[graph.role], graph)
            weights = np.full((1, len(m.kits)), 1 / len(m.kits), np.float32)
            condition = self.condition(weights, np.zeros(1, np.int64))
            noise = np.zeros((1, 1, m.codes.books, m.codes.size), np.float32)
            grid = np.zeros((1, 1, m.grid.columns), np.float32)
            temperature = np.array(m.codes.temperature, np.float32)
            feeds = {"grid": grid, **condition, "temperature": temperature, "noise": noise}
            codes, predicted = self._run("predictor", feeds, 1, self._silence("predictor"))
            audio, decoded = self._run("decoder", {"codes": codes}, 1, self._silence("decoder"))
        except BundleError as error:
            raise BundleError(f"bundle {folder}: {error}") from error
        except Exception as error:  # ONNX Runtime's exceptions have no common base
            raise BundleError(f"bundle {folder}: its graphs do not run: {_one_line(error)}") from error
        found = [
            ("codes", codes, (1, 1, m.codes.books), np.int64),
            ("audio", audio, (1, m.hop, m.channels), np.float32),
        ]
        found += _expected(m.graph("predictor").state, predicted) + _expected(m.graph("decoder").state, decoded)
        for name, value, shape, dtype in found:
            if value.shape != shape or value.dtype != dtype or not np.isfinite(value).all():
                raise BundleError(
                    f"bundle {folder}: {name} is {value.dtype} {list(value.shape)}, expected finite "
                    f"{np.dtype(dtype)} {list(shape)} as the manifest says"
                )


def _open(path: Path, threads: int, provider: str) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(path, options, PROVIDERS[provider])
    except Exception as error:  # ONNX Runtime's exceptions have no common base
        raise BundleError(f"{path} is no graph that ONNX Runtime can load: {_one_line(error)}") from error


def _check_names(session: ort.InferenceSession, graph: Graph) -> None:
    """The states come last among inputs and outputs, in the order of the manifest."""
    wanted = [name for tensor in graph.state for name in tensor.inputs(1)]
    inputs = [entry.name for entry in session.get_inputs()][-len(wanted) or None :] if wanted else []
    outputs = [entry.name for entry in session.get_outputs()][-len(graph.state) or None :] if wanted else []
    if inputs != wanted or outputs != [f"{tensor.name}_next" for tensor in graph.state]:
        raise BundleError(f"graph {graph.file} has states {inputs} -> {outputs}, the manifest says {wanted}")


def _expected(
    tensors: Sequence[StateTensor], values: Sequence[Floats]
) -> list[tuple[str, NDArray[np.generic], tuple[int, ...], type[np.generic]]]:
    return [(t.name, value, (1, *t.output(1)), np.float32) for t, value in zip(tensors, values, strict=True)]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
