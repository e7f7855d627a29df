"""Frames and spectra shared by the measures. Audio is float [frames] or [frames, channels] in -1..1."""

from typing import Final, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Audio: TypeAlias = NDArray[np.floating]
Floats: TypeAlias = NDArray[np.float64]

POWER_FLOOR: Final = 1e-8
"""Added to powers before a logarithm: -80 dB below full scale."""


def mono(audio: Audio) -> Floats:
    """The mean over channels [frames]; a mono signal is returned as it is."""
    samples = np.asarray(audio, np.float64)
    return samples if samples.ndim == 1 else samples.mean(axis=1)


def framed(samples: Audio, size: int, hop: int) -> NDArray[np.floating]:
    """Full frames only, a view [n, size] of a mono signal; n = 0 when the signal is shorter than `size`."""
    if len(samples) < size:
        return np.empty((0, size), samples.dtype)
    return sliding_window_view(samples, size)[::hop]


def magnitudes(samples: Audio, size: int, hop: int) -> Floats:
    """Linear STFT magnitudes [frames, size // 2 + 1], symmetric Hann window, no padding, full frames only."""
    return np.abs(np.fft.rfft(framed(samples, size, hop) * np.hanning(size), axis=1))


def rms_envelope(samples: Audio, size: int, hop: int) -> Floats:
    """Root mean square of full rectangular frames [n]."""
    return np.sqrt(np.mean(np.square(framed(samples, size, hop)), axis=1))


def power_db(samples: Audio) -> float:
    """Mean power of a signal [dB re full scale], not below -80."""
    return float(10 * np.log10(np.mean(np.square(np.asarray(samples, np.float64))) + POWER_FLOOR))


def mel_filters(rate: int, size: int, bands: int, low: float, high: float) -> Floats:
    """Triangular filters [bands, size // 2 + 1], centres equally spaced in mel (2595 log10(1 + f / 700)), peak 1."""
    ends = np.log10(1 + np.array([low, high]) / 700)
    edges = 700 * (10 ** np.linspace(ends[0], ends[1], bands + 2) - 1)
    return triangles(np.fft.rfftfreq(size, 1 / rate), edges)


def triangles(frequencies: Audio, edges: Audio) -> Floats:
    """Triangles [len(edges) - 2, bins] of peak 1 that rise from edge i to i + 1 and fall to i + 2."""
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return np.maximum(0, np.minimum((frequencies - left) / (centre - left), (right - frequencies) / (right - centre)))
