import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.sound import metrics
from ghostnote.errors import InputError

RATE = 48000


def noise(seconds: float = 1.0, seed: int = 0, level: float = 0.1) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((round(seconds * RATE), 2)) * level).astype(np.float32)


def test_a_perfect_rendering_has_no_error():
    clip = noise()
    values = {name: measure(clip, clip, RATE) for name, measure in metrics.METRICS.items()}
    assert values.pop("envelope_r") == pytest.approx(1)
    assert all(abs(value) < 1e-9 for value in values.values())


def test_silence_scores_spectral_convergence_one_and_correlation_zero():
    clip = noise()
    silence = np.zeros_like(clip)
    assert metrics.mr_stft_sc(clip, silence) == pytest.approx(1)
    assert metrics.env_rms_corr(clip, silence, RATE) == 0
    assert metrics.rmse(clip, silence) == pytest.approx(np.sqrt(np.mean(clip.mean(axis=1).astype(float) ** 2)))
    assert metrics.mae(clip, silence) == pytest.approx(np.abs(clip.mean(axis=1)).mean())


def test_spectral_convergence_of_a_scaled_copy_is_the_difference_of_the_scales():
    clip = noise()
    assert metrics.mr_stft_sc(clip, clip * 0.25) == pytest.approx(0.75, rel=1e-6)
    assert metrics.mr_stft_sc(clip, -clip) == pytest.approx(0, abs=1e-9)


def test_spectral_convergence_equals_a_slow_reference():
    reference, rendered = noise(0.1, 1), noise(0.1, 2)
    values = []
    for size, hop in ((512, 128), (1024, 256), (2048, 512)):
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / (size - 1))
        difference = total = 0.0
        for start in range(0, len(reference) - size + 1, hop):
            spectra = [abs(np.fft.rfft(x[start : start + size].mean(axis=1) * window)) for x in (reference, rendered)]
            difference += ((spectra[1] - spectra[0]) ** 2).sum()
            total += (spectra[0] ** 2).sum()
        values.append(np.sqrt(difference / total))
    assert metrics.mr_stft_sc(reference, rendered) == pytest.approx(np.mean(values), rel=1e-5)


@given(st.floats(0.01, 3))
def test_envelope_correlation_ignores_level(gain):
    clip = noise() * np.linspace(0, 1, RATE, dtype=np.float32)[:, None]
    assert metrics.env_rms_corr(clip, clip * np.float32(gain), RATE) == pytest.approx(1, abs=1e-5)


def test_envelope_correlation_of_opposite_ramps_is_negative():
    ramp = np.linspace(0, 1, RATE)
    tone = np.sin(np.arange(RATE) * 0.3)
    assert metrics.env_rms_corr(tone * ramp, tone * ramp[::-1], RATE) == pytest.approx(-1, abs=0.02)


def test_attack_to_tail_ratio_of_steady_sound_is_that_of_the_window_parts():
    tone = np.where(np.arange(RATE) % 2, 0.5, -0.5)
    assert metrics.attack_to_tail_db(tone, RATE) == pytest.approx(10 * np.log10(0.25 / 0.75), abs=1e-6)
    assert metrics.attack_to_tail_db(np.zeros(RATE), RATE) == 0
    assert metrics.tter_db_mae(tone, np.zeros(RATE), RATE) == pytest.approx(4.771, abs=1e-3)


def test_level_error_is_the_gain_with_its_sign():
    clip = noise()
    assert metrics.level_error_db(clip, clip * 2) == pytest.approx(6.02, abs=0.01)
    assert metrics.level_error_db(clip, clip * 0.5) == pytest.approx(-6.02, abs=0.01)
    assert metrics.level_error_db(clip, np.zeros_like(clip)) < -50


def test_channels_are_averaged_and_lengths_cut_to_the_shorter():
    clip = noise()
    mono = clip.mean(axis=1)
    longer = np.concatenate([mono, np.ones(5000, np.float32)])
    assert metrics.rmse(clip, longer) == pytest.approx(0, abs=1e-7)
    assert metrics.rmse(longer, clip) == pytest.approx(0, abs=1e-7)


def test_a_clip_that_is_too_short_is_named():
    with pytest.raises(InputError, match="clip of 100 samples is too short"):
        metrics.rmse(np.zeros(100), np.zeros(5000))
    with pytest.raises(InputError, match="at least 14400"):
        metrics.tter_db_mae(np.zeros(5000), np.zeros(5000), RATE)
