"""Tone: a tilt of the spectrum about 1 kHz, brighter or darker, as factors of frequency."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from codec.bands import band_centres

PIVOT_HZ: Final = 1000.0
DB_PER_OCTAVE: Final = 3.0
"""At tone 1, and minus that at -1."""
MOST_DB: Final = 12.0


def tilt(hz: NDArray[np.floating[Any]], tone: float) -> NDArray[np.float32]:
    """Factor of amplitude at frequencies `hz` for a tone of -1 (darkest) .. 1 (brightest)."""
    octaves = np.log2(np.maximum(hz, 20.0) / PIVOT_HZ)
    db = np.clip(tone * DB_PER_OCTAVE * octaves, -MOST_DB, MOST_DB)
    return (10 ** (db / 20)).astype(np.float32)


def band_tilt(tone: float) -> NDArray[np.float32]:
    """`tilt` of the noise bands, [BANDS]."""
    return tilt(band_centres(), tone)
