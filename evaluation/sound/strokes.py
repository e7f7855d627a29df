"""Measures of a single stroke against its recording: what a decoder that buzzes or smears does wrong.

All take audio [frames, channels] at 48 kHz and listen to the mean of the channels. Two recordings of the same stroke
(other round-robins of 17 kits) differ by: bands 2.5 dB, bias +0.1 dB, steady lines kept 0.44, hop lines 1.85 dB.
"""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import median_filter
from scipy.signal import find_peaks

from evaluation.sound.spectra import Audio, Floats, mono

RATE: Final = 48_000
HOP: Final = 256
LINE_FRAMES: Final = 16_384
HOP_MULTIPLES: Final = 59
BAND_FRAMES: Final = 2_048
BAND_HOP: Final = 480
BAND_COUNT: Final = 40
BAND_RANGE_HZ: Final = (50.0, 20_000.0)
BAND_RANGE_DB: Final = 60.0
STEADY_COUNT: Final = 20
STEADY_HZ: Final = (200.0, 12_000.0)
STEADY_PROMINENCE_DB: Final = 15.0
STEADY_LEVEL_DB: Final = 6.0
STEADY_ABOVE_DB: Final = 10.0
LEAST_STEADY: Final = 5
LSD_FRAMES: Final = 8_192


def hop_lines_db(audio: Audio) -> float:
    """How far energy at multiples of the hop rate (187.5 Hz) stands above its neighbours, mean dB of 59 multiples.

    Recorded strokes have about 1.9; a decoder that repeats its hops has 18.
    """
    signal = mono(audio)
    signal = np.pad(signal, (0, max(0, LINE_FRAMES - len(signal))))
    frames = sliding_window_view(signal, LINE_FRAMES)[:: LINE_FRAMES // 2]
    power = (np.abs(np.fft.rfft(frames * np.hanning(LINE_FRAMES))) ** 2).sum(axis=0)
    ratios: list[float] = []
    for multiple in range(1, HOP_MULTIPLES + 1):
        at = round(multiple * LINE_FRAMES / HOP)
        around = np.concatenate([power[at - 14 : at - 4], power[at + 5 : at + 15]])
        ratios.append(10 * np.log10((power[at - 1 : at + 2].max() + 1e-12) / (np.median(around) + 1e-12)))
    return float(np.mean(ratios))


def erb_bands(size: int, rate: int = RATE) -> Floats:
    """Means over BAND_COUNT bands of equal width in ERBs, [size // 2 + 1, BAND_COUNT]; at least one bin each."""
    low_end, high_end = (21.4 * np.log10(1 + 0.00437 * hz) for hz in BAND_RANGE_HZ)
    edges = (10 ** (np.linspace(low_end, high_end, BAND_COUNT + 1) / 21.4) - 1) / 0.00437
    hz = np.arange(size // 2 + 1) * rate / size
    means = np.zeros((len(hz), BAND_COUNT))
    for band, (low, high) in enumerate(pairwise(edges)):
        inside = (hz >= low) & (hz < high)
        if not inside.any():
            inside[np.argmin(np.abs(hz - (low + high) / 2))] = True
        means[inside, band] = 1 / inside.sum()
    return means


def band_distance_db(audio: Audio, reference: Audio) -> tuple[float, float]:
    """Mean absolute and mean signed difference [dB] of ERB band levels in 43 ms frames, smoothed over 30 ms.

    Counted where the reference is within 60 dB of its loudest band; positive: too loud.
    """
    ours, theirs = (_band_powers(x) for x in (audio, reference))
    counts = theirs > theirs.max() * 10 ** (-BAND_RANGE_DB / 10)
    floor = theirs.max() * 10 ** (-BAND_RANGE_DB / 10 - 1)
    difference = 10 * np.log10((ours + floor) / (theirs + floor))[counts]
    return float(np.abs(difference).mean()), float(difference.mean())


def steady_lines_kept(audio: Audio, reference: Audio) -> float:
    """Of the reference's strongest steady lines the share that `audio` has; nan with fewer than LEAST_STEADY.

    A line is a peak of prominence 15 dB, 200 Hz to 12 kHz, in the spectrum of 0.34 s from 0.1 s after the start
    (strokes are given with 0.1 s of silence before them); it is kept if ours is within 6 dB and 10 dB above its
    surroundings.
    """
    ours, theirs = (_long_spectrum_db(x) for x in (audio, reference))
    if ours is None or theirs is None:
        return float("nan")
    peaks, _ = find_peaks(theirs, prominence=STEADY_PROMINENCE_DB)
    low, high = (hz * LINE_FRAMES / RATE for hz in STEADY_HZ)
    peaks = peaks[(peaks > low) & (peaks < high)]
    peaks = peaks[np.argsort(-theirs[peaks])][:STEADY_COUNT]
    if len(peaks) < LEAST_STEADY:
        return float("nan")
    around = median_filter(ours, 101, mode="constant")
    found = np.array([ours[at - 1 : at + 2].max() for at in peaks])
    kept = (np.abs(found - theirs[peaks]) < STEADY_LEVEL_DB) & (found > around[peaks] + STEADY_ABOVE_DB)
    return float(kept.mean())


def log_spectral_distance_db(audio: Audio, reference: Audio) -> float:
    """Root mean square difference [dB] of log spectra of 8192 frames, within 60 dB of the loudest bin."""
    ours, theirs = (_padded_spectra(x) for x in (audio, reference))
    floor = theirs.max() * 10 ** (-BAND_RANGE_DB / 10)
    difference = 10 * np.log10((ours + floor) / (theirs + floor))[theirs > floor]
    return float(np.sqrt(np.mean(difference**2)))


def _band_powers(audio: Audio) -> Floats:
    """[frames, BAND_COUNT]."""
    signal = np.pad(mono(audio), BAND_FRAMES // 2)
    frames = sliding_window_view(signal, BAND_FRAMES)[::BAND_HOP]
    powers = (np.abs(np.fft.rfft(frames * np.hanning(BAND_FRAMES))) ** 2) @ erb_bands(BAND_FRAMES)
    padded = np.pad(powers, ((1, 1), (0, 0)))
    return (padded[:-2] + padded[1:-1] + padded[2:]) / 3


def _long_spectrum_db(audio: Audio) -> Floats | None:
    signal = mono(audio)[RATE // 10 :][:LINE_FRAMES]
    if len(signal) < LINE_FRAMES:
        return None
    return 20 * np.log10(np.abs(np.fft.rfft(signal * np.hanning(LINE_FRAMES))) + 1e-9)


def _padded_spectra(audio: Audio) -> Floats:
    signal = mono(audio)
    signal = np.pad(signal, (0, max(0, LSD_FRAMES - len(signal))))
    frames = sliding_window_view(signal, LSD_FRAMES)[:: LSD_FRAMES // 4]
    return np.abs(np.fft.rfft(frames * np.hanning(LSD_FRAMES))) ** 2
