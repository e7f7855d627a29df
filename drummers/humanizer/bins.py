"""Offsets and velocities as classes, so that networks predict distributions of them instead of means."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

N_OFFSETS: Final = 64
LARGEST: Final = 0.12
"""Seconds that a hit can be off its slot."""
N_VELOCITIES: Final = 64
"""Two MIDI velocities each, the hardest (127) alone."""
_FINE: Final = 0.015
_REACH: Final = float(np.arcsinh(LARGEST / _FINE))
EDGES: Final = _FINE * np.sinh(np.linspace(-_REACH, _REACH, N_OFFSETS + 1))
"""Edges of the offset classes [s]: 1.3 ms wide around the slot, 10 ms at the ends."""


def offset_class(offset: NDArray[np.floating]) -> NDArray[np.int64]:
    """Class 0..63 of offsets [s]; what is further off than `LARGEST` is in the last."""
    return np.clip(np.searchsorted(EDGES, offset, side="right") - 1, 0, N_OFFSETS - 1).astype(np.int64)


def velocity_class(velocity: NDArray[np.floating]) -> NDArray[np.int64]:
    """Class 0..63 of velocities 0..1."""
    return (np.clip(np.rint(velocity * 127), 1, 127).astype(np.int64)) // 2


def draw(logits: NDArray[np.float32], temperature: float, rng: np.random.Generator) -> int:
    """A class drawn from softmax(logits / temperature)."""
    scaled = logits.astype(np.float64) / temperature
    sums = np.cumsum(np.exp(scaled - scaled.max()))
    return int(np.searchsorted(sums, rng.random() * sums[-1], side="right"))


def offset_in(index: int, rng: np.random.Generator) -> float:
    """An offset [s] anywhere in a class."""
    return float(EDGES[index] + rng.random() * (EDGES[index + 1] - EDGES[index]))


def velocity_in(index: int, rng: np.random.Generator) -> float:
    """A velocity of a class, one of 1/127 .. 1."""
    return (
        max(1, 2 * index + int(rng.random() < 0.5)) / 127
        if index < N_VELOCITIES - 1
        else (126 + int(rng.random() < 0.5)) / 127
    )
