"""Does a harder stroke sound louder? Velocity against loudness, one articulation at a time."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.sound.spectra import POWER_FLOOR, Audio, framed
from ghostnote.music.articulations import ARTICULATIONS

VELOCITIES: Final = tuple(v / 127 for v in (16, 32, 48, 64, 80, 96, 112, 127))
WINDOW: Final = 0.150
"""Time over which a stroke's loudness is taken [s], as in the kits' `loudness_db`."""
STEP: Final = 0.010
TOLERANCE_DB: Final = 0.5
"""A harder stroke may be this much softer than the loudest lighter one and still count as not falling."""


@dataclass(frozen=True)
class Dynamics:
    """How one articulation answers to velocity."""

    lane: int
    loudness_db: NDArray[np.float64]
    """Loudness at each velocity [dB re full scale]."""
    slope_db: float
    """Least-squares rise over the whole velocity range 0..1 [dB]."""
    largest_fall_db: float
    """Most that any stroke lies below a lighter one, 0 where none does."""
    tolerance_db: float

    @property
    def articulation(self) -> str:
        """Its name."""
        return ARTICULATIONS[self.lane].name

    @property
    def monotone(self) -> bool:
        """Whether no fall exceeds the tolerance."""
        return self.largest_fall_db <= self.tolerance_db


def loudness_db(audio: Audio, rate: int) -> float:
    """Loudest 150 ms of audio [frames] or [frames, channels], louder channel [dB re full scale], not below -80."""
    channels = np.asarray(audio, np.float64).reshape(len(audio), -1).T
    size, hop = min(len(audio), round(WINDOW * rate)), round(STEP * rate)
    power = max(float(np.square(framed(channel, size, hop)).mean(axis=1).max()) for channel in channels)
    return float(10 * np.log10(power + POWER_FLOOR))


def measure_dynamics(
    render: Callable[[int, float], Audio],
    lanes: Iterable[int],
    rate: int,
    velocities: Sequence[float] = VELOCITIES,
    tolerance_db: float = TOLERANCE_DB,
) -> list[Dynamics]:
    """Dynamics of each lane; `render(lane, velocity)` returns one stroke alone, long enough to hold its loudest 150 ms.

    `velocities` are ascending, in (0, 1].
    """
    results: list[Dynamics] = []
    for lane in lanes:
        levels = np.array([loudness_db(render(lane, velocity), rate) for velocity in velocities])
        slope = float(np.polyfit(velocities, levels, 1)[0])
        fall = float(np.max(np.maximum.accumulate(levels) - levels))
        results.append(Dynamics(lane, levels, slope, fall, tolerance_db))
    return results
