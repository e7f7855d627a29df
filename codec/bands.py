"""Frequency bands of the noise bank: overlapping, power-complementary, equal on a warped ERB scale.

The widths follow the ear's equivalent rectangular bandwidth, 24.7 (1 + 0.00437 f) Hz (Glasberg and Moore, 1990), but
are never below `LEAST_HZ`: a narrower band cannot change as fast as a hop.
"""

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE: Final = 48_000
BANDS: Final = 64
LOWEST_HZ: Final = 40.0
HIGHEST_HZ: Final = 21_500.0
LEAST_HZ: Final = 90.0


def erb(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Equivalent rectangular bandwidth [Hz] of the auditory filter at `hz`."""
    return 24.7 * (1 + 0.00437 * hz)


def band_centres(count: int = BANDS) -> NDArray[np.float64]:
    """Centre frequencies [Hz] of the bands, rising."""
    grid = np.linspace(0, SAMPLE_RATE / 2, 4801)
    density = 1 / np.maximum(erb(grid), LEAST_HZ)
    scale = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    low, high = np.interp([LOWEST_HZ, HIGHEST_HZ], grid, scale).tolist()
    return np.interp(np.linspace(low, high, count), scale, grid)


@lru_cache(maxsize=16)
def band_windows(bins: int, count: int = BANDS) -> NDArray[np.float32]:
    """Amplitude of each band at `bins` equally spaced frequencies from 0 to the Nyquist: [count, bins], 0..1.

    Squares add up to 1 at every frequency; the first band reaches down to 0 and the last up to the Nyquist.
    """
    centre = band_centres(count)
    hz = np.linspace(0, SAMPLE_RATE / 2, bins)
    place = np.interp(hz, centre, np.arange(count))  # 2.25: a quarter of the way from centre 2 to centre 3
    distance = np.clip(np.abs(place - np.arange(count)[:, None]), 0, 1)
    return np.cos(distance * np.pi / 2).astype(np.float32)


def erb_rate(hz: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Number of equivalent rectangular bandwidths below `hz`."""
    return 21.4 * np.log10(1 + 0.00437 * hz)
