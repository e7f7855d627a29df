"""Do windows join without a click? The largest sample step at the joins compared with the largest one elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from evaluation.sound.spectra import Audio

NEIGHBOURHOOD: Final = 0.010
"""Time on both sides of a join with which its step is compared [s]."""


@dataclass(frozen=True)
class Joins:
    """Steps |x[n] - x[n - 1]| over the joins, the larger of all channels."""

    count: int
    at_joins: float
    """Largest step at a join."""
    elsewhere: float
    """Largest step anywhere else."""
    standing_out: float
    """Share of joins whose step is the largest within +-10 ms; by chance about 1 in 960 at 48 kHz."""

    @property
    def ratio(self) -> float:
        """Largest step at joins / elsewhere; at most 1 where the joins do not click. 0 for silence."""
        return self.at_joins / self.elsewhere if self.elsewhere else (np.inf if self.at_joins else 0.0)


def measure_joins(audio: Audio, joins: Sequence[int], rate: int) -> Joins:
    """Steps of audio [frames] or [frames, channels] at `joins`: the first sample of each window but the first.

    Joins lie in 1..frames - 1. With none, all is elsewhere.
    """
    samples = np.asarray(audio, np.float64).reshape(len(audio), -1)
    steps = np.abs(np.diff(samples, axis=0)).max(axis=1, initial=0.0)
    places = np.asarray(joins, int) - 1
    if len(places) and (places.min() < 0 or places.max() >= len(steps)):
        raise ValueError(f"joins must lie in 1..{len(samples) - 1}, found {min(joins)}..{max(joins)}")
    rest = np.delete(steps, places)
    reach = round(NEIGHBOURHOOD * rate)
    alone = [
        steps[p] > np.delete(steps[max(0, p - reach) : p + reach + 1], min(p, reach)).max() for p in places.tolist()
    ]
    return Joins(
        len(places),
        float(steps[places].max(initial=0.0)),
        float(rest.max(initial=0.0)),
        float(np.mean(alone)) if alone else 0.0,
    )
