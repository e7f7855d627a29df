"""Measures of one rendered clip against its reference, as the paper defines them (arXiv 2605.10281, its public code).

Every function takes (reference, rendered) audio [frames] or [frames, channels] of one rate, averages the channels and
cuts both to the shorter. No alignment and no gain matching anywhere. The paper resamples to 32 kHz linearly; we
measure at the rate given (48 kHz in our tables), with the paper's FFT sizes in samples and its other windows in
seconds. Numbers of the paper's tables are therefore not comparable with ours.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from evaluation.sound.spectra import POWER_FLOOR, Audio, Floats, framed, magnitudes, mono, power_db, rms_envelope
from evaluation.sound.strokes import band_distance_db, hop_lines_db, log_spectral_distance_db
from ghostnote.errors import InputError

STFT_SIZES: Final = ((512, 128), (1024, 256), (2048, 512))
"""(size, hop) of the spectral convergence [samples]."""
ENVELOPE: Final = (0.050, 0.010)
"""Window and hop of the RMS envelope [s]."""
TAIL: Final = (0.300, 0.100)
"""Window and hop of the attack-to-tail ratio [s]."""


def paired(reference: Audio, rendered: Audio) -> tuple[Floats, Floats]:
    """Both as mono [frames], cut to the shorter. Raises InputError if that is shorter than the longest frame."""
    frames = min(len(reference), len(rendered))
    if frames < STFT_SIZES[-1][0]:
        raise InputError(f"a clip of {frames} samples is too short to measure: at least {STFT_SIZES[-1][0]} are needed")
    return mono(reference[:frames]), mono(rendered[:frames])


def rmse(reference: Audio, rendered: Audio) -> float:
    """Root mean square error of the samples, 0 is best. Reported, not ranked: silence beats most renderings."""
    truth, ours = paired(reference, rendered)
    return float(np.sqrt(np.mean(np.square(ours - truth))))


def mae(reference: Audio, rendered: Audio) -> float:
    """Mean absolute error of the samples, 0 is best. Reported, not ranked, like `rmse`."""
    truth, ours = paired(reference, rendered)
    return float(np.mean(np.abs(ours - truth)))


def mr_stft_sc(reference: Audio, rendered: Audio) -> float:
    """Multi-resolution spectral convergence: mean over `STFT_SIZES` of ||Mp - Mr||_F / max(1e-9, ||Mr||_F).

    Linear magnitudes, symmetric Hann windows, full frames only. 0 is best, silence scores 1.
    """
    truth, ours = paired(reference, rendered)

    def convergence(size: int, hop: int) -> float:
        spectrum = magnitudes(truth, size, hop)
        error = np.linalg.norm(magnitudes(ours, size, hop) - spectrum)
        return float(error / max(1e-9, float(np.linalg.norm(spectrum))))

    return float(np.mean([convergence(size, hop) for size, hop in STFT_SIZES]))


def env_rms_corr(reference: Audio, rendered: Audio, rate: int) -> float:
    """Pearson correlation of the RMS envelopes (50 ms windows, 10 ms hop), 1 is best; 0 where either is constant."""
    size, hop = (round(seconds * rate) for seconds in ENVELOPE)
    curves = [rms_envelope(samples, size, hop) for samples in paired(reference, rendered)]
    if any(np.ptp(curve) < 1e-12 for curve in curves):
        return 0.0
    return float(np.corrcoef(curves[0], curves[1])[0, 1])


def attack_to_tail_db(samples: Floats, rate: int) -> float:
    """Mean over 300 ms windows (hop 100 ms) of 10 log10(energy of the first quarter / energy of the rest) [dB].

    Energies are sums of squares plus 1e-8, so steady noise gives -4.8 dB and silence 0.
    """
    size, hop = (round(seconds * rate) for seconds in TAIL)
    power = np.square(framed(samples, size, hop))
    if not len(power):
        raise InputError(f"a clip of {len(samples)} samples is too short to measure: at least {size} are needed")
    head = size // 4
    ratio = (power[:, :head].sum(axis=1) + POWER_FLOOR) / (power[:, head:].sum(axis=1) + POWER_FLOOR)
    return float(np.mean(10 * np.log10(ratio)))


def tter_db_mae(reference: Audio, rendered: Audio, rate: int) -> float:
    """Absolute difference of the clips' attack-to-tail ratios [dB], 0 is best."""
    truth, ours = paired(reference, rendered)
    return abs(attack_to_tail_db(ours, rate) - attack_to_tail_db(truth, rate))


def level_error_db(reference: Audio, rendered: Audio) -> float:
    """Level of the rendering above the reference [dB, signed]; powers are floored at -80 dB of full scale."""
    truth, ours = paired(reference, rendered)
    return power_db(ours) - power_db(truth)


METRICS: Final[dict[str, Callable[[Audio, Audio, int], float]]] = {
    "sc": lambda reference, rendered, rate: mr_stft_sc(reference, rendered),
    "envelope_r": env_rms_corr,
    "tter_db": tter_db_mae,
    "level_db": lambda reference, rendered, rate: level_error_db(reference, rendered),
    "level_abs_db": lambda reference, rendered, rate: abs(level_error_db(reference, rendered)),
    "bands_db": lambda reference, rendered, rate: band_distance_db(rendered, reference)[0],
    "bias_db": lambda reference, rendered, rate: band_distance_db(rendered, reference)[1],
    "lines_db": lambda reference, rendered, rate: hop_lines_db(rendered) - hop_lines_db(reference),
    "lsd_db": lambda reference, rendered, rate: log_spectral_distance_db(rendered, reference),
    "rmse": lambda reference, rendered, rate: rmse(reference, rendered),
    "mae": lambda reference, rendered, rate: mae(reference, rendered),
}
"""Name in results.csv -> measure(reference, rendered, rate)."""
