"""Modes: what rings is found with its pitch, decay, level and sides, and survives its codes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.bands import BANDS, SAMPLE_RATE, band_centres, band_windows
from codec.modes import (
    CODE_SIZES,
    MOST_MODES,
    dequantise,
    encode_modes,
    find_modes,
    left_right,
    mid_side,
    quantise,
    sound_modes,
)


def ringing(*modes, frames=30_000, noise=0.0):
    """(Hz, T60 s, level, side share) of each."""
    rows = [
        (2 * np.pi * hz / SAMPLE_RATE, np.log(1000) / (t60 * SAMPLE_RATE), level, 0.0, level * side, 0.0)
        for hz, t60, level, side in modes
    ]
    sound = sound_modes(np.array(rows), frames)
    return sound + noise * np.random.default_rng(0).standard_normal(sound.shape).astype(np.float32)


def test_bands_share_the_spectrum():
    windows = band_windows(1025)
    assert (windows**2).sum(axis=0) == pytest.approx(np.ones(1025), abs=1e-5)
    assert len(band_centres()) == BANDS and np.all(np.diff(band_centres()) > 0)


@pytest.mark.parametrize(("hz", "t60"), [(82.0, 0.8), (440.3, 1.5), (3111.0, 0.4), (9876.0, 2.5)])
def test_a_single_mode_is_found(hz, t60):
    found = find_modes(ringing((hz, t60, 0.3, 0.2), noise=1e-4))
    loudest = found[np.argmax(np.hypot(found[:, 2], found[:, 3]))]
    assert loudest[0] * SAMPLE_RATE / (2 * np.pi) == pytest.approx(hz, abs=0.3)
    assert np.log(1000) / (loudest[1] * SAMPLE_RATE) == pytest.approx(t60, rel=0.1)
    assert np.hypot(*loudest[2:4]) == pytest.approx(0.3, rel=0.1)
    assert np.hypot(*loudest[4:6]) == pytest.approx(0.06, rel=0.15)


def test_codes_keep_most_of_what_rings():
    sound = ringing((200, 1.0, 0.3, 0), (613, 0.7, 0.2, 0.5), (1733, 0.5, 0.1, -0.4), (6200, 1.2, 0.05, 1))
    codes = encode_modes(sound)
    left = sound - sound_modes(dequantise(codes), len(sound))
    assert 10 * np.log10((left**2).sum() / (sound**2).sum()) < -8


def test_noise_alone_does_not_become_louder():
    noise = 0.1 * np.random.default_rng(1).standard_normal((30_000, 2)).astype(np.float32)
    rest = noise - sound_modes(dequantise(encode_modes(noise)), len(noise))
    assert (rest**2).sum() <= 1.02 * (noise**2).sum()


@pytest.mark.parametrize("sound", [np.zeros((30_000, 2)), np.zeros((100, 2)), np.ones((5000, 2))])
def test_what_does_not_ring_has_few_modes_or_none(sound):
    assert len(encode_modes(sound.astype(np.float32))) <= MOST_MODES


@given(st.lists(st.tuples(*(st.integers(0, size - 1) for size in CODE_SIZES)), min_size=1, max_size=8))
def test_codes_read_back_as_themselves_but_where_they_mean_nothing(rows):
    codes = np.array(rows, np.int16)
    codes[:, 2] = np.maximum(codes[:, 2], 20)  # below -90 dB levels and angles are rounding
    codes[:, 0] = np.maximum(codes[:, 0], 1)
    again = quantise(dequantise(codes))
    silent_mid, silent_side = codes[:, 4] == CODE_SIZES[4] - 1, codes[:, 4] == 0
    assert np.array_equal(again[:, [0, 1, 2, 4]], codes[:, [0, 1, 2, 4]])
    assert np.array_equal(again[~silent_mid, 3], codes[~silent_mid, 3])
    assert np.array_equal(again[~silent_side, 5], codes[~silent_side, 5])


def test_mid_and_side_undo_themselves():
    audio = np.random.default_rng(0).standard_normal((50, 2)).astype(np.float32)
    assert left_right(mid_side(audio)) == pytest.approx(audio, abs=1e-6)
