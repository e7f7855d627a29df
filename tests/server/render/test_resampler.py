import numpy as np
import pytest

from server.render.resampler import Resampler

RATES = [(48000, 44100), (48000, 96000), (44100, 48000), (48000, 32000)]


def stream(rate_in, rate_out, audio, sizes):
    convert = Resampler(rate_in, rate_out, audio.shape[1])
    parts, place, turn = [], 0, 0
    while place < len(audio):
        size = sizes[turn % len(sizes)]
        parts.append(convert(audio[place : place + size]))
        place, turn = place + size, turn + 1
    return np.concatenate(parts), convert.delay


@pytest.mark.parametrize(("rate_in", "rate_out"), RATES)
def test_a_tone_stays_itself_at_its_declared_delay(rate_in, rate_out):
    seconds = np.arange(rate_in // 4) / rate_in
    tone = np.sin(2 * np.pi * 3000 * seconds).astype(np.float32)[:, None]
    out, delay = stream(rate_in, rate_out, tone, [256])
    wanted = np.sin(2 * np.pi * 3000 * (np.arange(len(out)) - delay) / rate_out)
    inside = slice(delay + 100, len(out))
    assert np.abs(out[inside, 0] - wanted[inside]).max() < 1e-3


@pytest.mark.parametrize(("rate_in", "rate_out"), RATES)
def test_blocks_of_any_size_give_the_same_and_never_lag_more_than_the_delay(rate_in, rate_out):
    noise = np.random.default_rng(0).standard_normal((4000, 2)).astype(np.float32)
    whole, delay = stream(rate_in, rate_out, noise, [4000])
    cut, _ = stream(rate_in, rate_out, noise, [1, 7, 256, 31])
    np.testing.assert_allclose(cut, whole, atol=1e-6)
    convert = Resampler(rate_in, rate_out, 2)
    produced = 0
    for n in range(1, 200):
        produced += len(convert(noise[:256]))
        assert 0 <= produced - 256 * n * rate_out / rate_in <= delay
    assert delay <= 0.0012 * rate_out


def test_what_lies_above_the_new_nyquist_frequency_is_gone():
    seconds = np.arange(24000) / 48000
    tone = np.sin(2 * np.pi * 21000 * seconds).astype(np.float32)[:, None]
    out, delay = stream(48000, 32000, tone, [256])
    assert np.abs(out[delay + 100 :]).max() < 1e-3
