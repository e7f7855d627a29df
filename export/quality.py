"""What a smaller precision costs: a groove that ships, through the fp32 graphs and through the smaller ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from export.graphs import Tracing
from ghostnote.files.groove import GROOVES_DIR, read_groove_file
from ghostnote.music.grid import build_grid, by_piece

GROOVE: Final = GROOVES_DIR / "pocket_funk.toml"
SECONDS: Final = 5.0
MAX_DISTANCE: Final = 0.3
"""Rounding decides between codes that are almost equally likely, so some hops take another sound of the same kind."""
MAX_LEVEL_DB: Final = 0.5

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Cost:
    """The worst kit, rendered with the likeliest codes."""

    codes: float
    """Share of codes that differ."""
    distance: float
    """Spectral convergence to the fp32 rendering: 0 the same, 1 as far away as silence."""
    level_db: float

    @property
    def text(self) -> str:
        """In words."""
        return (
            f"worst kit: {self.codes:.2%} of codes differ from fp32, spectral convergence {self.distance:.3f}, "
            f"level {self.level_db:+.2f} dB"
        )

    @property
    def passes(self) -> bool:
        """Whether the smaller graphs may ship."""
        return self.distance <= MAX_DISTANCE and abs(self.level_db) <= MAX_LEVEL_DB


def cost_of(full: Path, small: Path, tracings: Sequence[Tracing], hop: int, sample_rate: int) -> Cost:
    """Compare the graphs ROLE.onnx of two folders."""
    rows = int(SECONDS * sample_rate) // hop
    _, grid = by_piece(build_grid(read_groove_file(GROOVE), rows, hop=hop, sample_rate=sample_rate))
    chains = [_Chain(folder, tracings) for folder in (full, small)]
    codes, distances, levels = [0.0], [0.0], [0.0]
    for kit in range(chains[0].n_kits):
        (codes_a, a), (codes_b, b) = (chain.render(grid, kit) for chain in chains)
        codes.append(float(np.mean(codes_a != codes_b)))
        spectrum_a, spectrum_b = _spectrum(a), _spectrum(b)
        distances.append(float(np.linalg.norm(spectrum_a - spectrum_b) / (np.linalg.norm(spectrum_a) + 1e-9)))
        levels.append(float(10 * np.log10((np.mean(b**2) + 1e-12) / (np.mean(a**2) + 1e-12))))
    return Cost(max(codes), max(distances), max(levels, key=abs))


class _Chain:
    """The three graphs of a folder, one after the other, from silence."""

    def __init__(self, folder: Path, tracings: Sequence[Tracing]) -> None:
        self.tracings = {tracing.role: tracing for tracing in tracings}
        self.sessions = {
            role: ort.InferenceSession(folder / f"{role}.onnx", providers=["CPUExecutionProvider"])
            for role in self.tracings
        }
        self.n_kits = self.tracings["condition"].inputs["kit_weights"].shape[1]

    def render(self, grid: Floats, kit: int) -> tuple[NDArray[np.int64], Floats]:
        """Codes and audio [frames, channels], all pieces together, of grid [pieces, rows, columns]."""
        books, size = self.tracings["predictor"].inputs["noise"].shape[2:]
        weights = np.eye(self.n_kits, dtype=np.float32)[kit : kit + 1]
        tensors = self._run("condition", kit_weights=weights, drummer=np.zeros(1, np.int64))
        condition = dict(zip(self.tracings["condition"].outputs, tensors, strict=True))
        noise = np.zeros((*grid.shape[:2], books, size), np.float32)
        temperature = np.zeros(books, np.float32)
        codes = self._run("predictor", grid=grid, **condition, temperature=temperature, noise=noise)[0]
        return codes, self._run("decoder", codes=codes)[0].sum(0)

    def _run(self, role: str, **inputs: NDArray[Any]) -> list[NDArray[Any]]:
        silence = self.tracings[role].silence(*next(iter(inputs.values())).shape[:2])
        return self.sessions[role].run(None, {**inputs, **silence})  # type: ignore[return-value]


def _spectrum(audio: Floats) -> Floats:
    """Magnitudes of half-overlapping 1024-frame windows of the mono sum."""
    windows = np.lib.stride_tricks.sliding_window_view(audio.mean(1), 1024)[::512]
    return np.abs(np.fft.rfft(windows * np.hanning(1024).astype(np.float32))).astype(np.float32)
