"""The layers of a kit: which of its strokes answer which velocities of which lane, and how loud they are."""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

MAX_VELOCITY: Final = 127

LAYER: Final = np.dtype(
    [
        ("lane", "i2"),
        ("velocity_low", "i2"),
        ("velocity_high", "i2"),
        ("reference_velocity", "i2"),
        ("loudness_db", "f4"),  # of its strokes as they are stored, at the reference velocity
        ("gain_db", "f4"),  # of the fallbacks that lead to this layer, to be added
        ("first_stroke", "i4"),
        ("n_strokes", "i4"),  # equivalent recordings: first_stroke .. first_stroke + n_strokes - 1
    ]
)


@dataclass(frozen=True)
class KitSummary:
    """What a list of kits shows."""

    id: str
    """Name of its folder or file."""
    name: str
    character: str
    licence: str
    author: str


class Layered(Protocol):
    """A kit of samples (`sampler.kit.Kit`) or of codes (`kits.coded_kit.CodedKit`)."""

    @property
    def sample_rate(self) -> int:
        """Frames per second of its strokes."""
        ...

    @property
    def layers(self) -> NDArray[np.void]:
        """dtype LAYER, by lane and rising velocity; every lane's cover the MIDI velocities 1..127 without gaps."""
        ...

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Frames of every stroke."""
        ...

    @property
    def choke_groups(self) -> tuple[tuple[int, ...], ...]:
        """Lanes of which only the last struck one sounds."""
        ...
