"""The noise bank: white noise through each band, drawn once from a fixed seed and read from anywhere.

Whatever sounds at once reads the bank at places of its own, so that strokes add up as independent noises do.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.bands import BANDS, band_windows
from codec.frames import HOP, KNOTS

BANK_HOPS: Final = 512
"""The bank repeats after 2.7 s, far longer than the ear remembers a noise."""
_SEED: Final = 20_261_128


@lru_cache(maxsize=1)
def noise_bank() -> NDArray[np.float32]:
    """Of each band its share of a white noise of variance 1, [BANK_HOPS, KNOTS, BANDS, HOP // KNOTS].

    Hop after hop, each in KNOTS parts; the end continues at the beginning. The same on every machine up to rounding;
    34 MB, made in half a second.
    """
    frames = BANK_HOPS * HOP
    windows = band_windows(frames // 2 + 1)
    bank = np.empty((BANK_HOPS, KNOTS, BANDS, HOP // KNOTS), np.float32)
    random = np.random.Generator(np.random.PCG64(_SEED))
    for band, window in enumerate(windows):
        spectrum = np.fft.rfft(random.standard_normal(frames, np.float32)) * window
        bank[:, :, band] = np.fft.irfft(spectrum, frames).reshape(BANK_HOPS, KNOTS, -1)
    bank.flags.writeable = False
    return bank


def noise_places(seed: int, stroke: int) -> tuple[int, int]:
    """Where mid and side of the `stroke`-th stroke since the beginning read the bank: two hops, 0 .. BANK_HOPS - 1."""
    places = np.random.Generator(np.random.Philox(key=[seed, stroke])).integers(BANK_HOPS, size=2)
    return int(places[0]), int(places[1])
