"""The codec of struck sounds: frames, streaming, what the loss rewards, codes of a codebook."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

from codec.bands import BANDS  # noqa: E402
from codec.frames import HOP, KNOTS, cut_frames  # noqa: E402
from tests.support.tiny_bundle import tiny_codec, tiny_config  # noqa: E402
from training.codecs.quantizer import residual_quantizer  # noqa: E402
from training.codecs.struck_codec import frames_of, left_right, mid_side, shaped_noise  # noqa: E402
from training.codecs.struck_loss import StruckLoss, StruckLossConfig, mean_power  # noqa: E402


@pytest.fixture(scope="module")
def codec():
    return tiny_codec()


def test_frames_are_cut_alike_with_and_without_torch():
    sound = np.random.default_rng(0).standard_normal((5 * HOP, 2)).astype(np.float32)
    ours = frames_of(torch.from_numpy(sound.T[None].copy()))[0].numpy()
    assert np.array_equal(ours, cut_frames(sound))
    assert len(cut_frames(sound[: 4 * HOP + 1])) == 6


def test_mid_and_side_undo_left_and_right():
    audio = torch.randn(2, 2, 100)
    torch.testing.assert_close(left_right(mid_side(audio)), audio)


@pytest.mark.parametrize("cut", [1, 3, 17])
def test_decoding_in_parts_is_decoding_whole(codec, cut):
    latent = torch.randn(2, 20, tiny_config().latent)
    with torch.no_grad():
        whole, _ = codec.decoder(latent, codec.decoder.initial_past(2, latent))
        wave, _ = codec.overlap(whole, torch.zeros(2, 2, HOP))
        past, tail, parts = codec.decoder.initial_past(2, latent), torch.zeros(2, 2, HOP), []
        for first in range(0, 20, cut):
            said, past = codec.decoder(latent[:, first : first + cut], past)
            part, tail = codec.overlap(said, tail)
            parts.append(part)
    torch.testing.assert_close(torch.cat(parts, -1), wave, atol=1e-5, rtol=1e-4)
    assert wave.abs().max() > 1e-3


def test_codes_are_within_the_books_and_decode_to_the_same_length(codec):
    audio = 0.1 * torch.randn(1, 2, 10 * HOP - 30)
    codes = codec.encode(audio)
    assert codes.shape == (1, 10, codec.n_codebooks)
    assert codes.min() >= 0 and codes.max() < codec.codebook_size
    assert codec.decode(codes).shape == (1, 2, 10 * HOP)


def noise_and_gains(level):
    """White noise of this level, and the gains that describe it, 16 hops."""
    sound = level * torch.randn(4, 2, 64 * HOP)
    gains = torch.full((4, 65, 2, BANDS, KNOTS), float(np.log(level)))
    return sound, gains


def test_gains_are_best_where_they_are_the_noise_s_level():
    torch.manual_seed(0)
    loss = StruckLoss(StruckLossConfig(level=0.0))
    sound, gains = noise_and_gains(0.05)
    silent = torch.zeros_like(sound)
    values = [float(loss(sound, sound, silent, gains + shift)[0]) for shift in (-0.3, -0.1, 0.0, 0.1, 0.3)]
    assert np.argmin(values) == 2


def test_a_wave_that_is_the_sound_is_likelier_than_noise_of_its_level():
    torch.manual_seed(0)
    loss = StruckLoss(StruckLossConfig())
    sound, gains = noise_and_gains(0.05)
    exact = float(loss(sound, sound, sound, gains - 4)[0])
    guessed = float(loss(sound, sound, torch.zeros_like(sound), gains)[0])
    imitated = float(loss(sound, sound, 0.05 * torch.randn_like(sound), gains)[0])
    assert exact < guessed < imitated


def test_level_error_has_a_sign():
    torch.manual_seed(0)
    loss = StruckLoss(StruckLossConfig())
    sound, gains = noise_and_gains(0.05)
    biases = [loss(sound, sound, 0 * sound, gains + shift)[1]["band_bias_db"] for shift in (-0.5, 0.5)]
    assert biases[0] == pytest.approx(-4.3, abs=1) and biases[1] == pytest.approx(4.3, abs=1)


def test_the_mean_power_of_a_ramp():
    gains = torch.zeros(1, 2, 2, BANDS, KNOTS).sub(30)
    gains[:, 1, ..., 0] = 0
    power = mean_power(gains)
    assert power.shape == (2, BANDS, KNOTS)
    assert power[0, 0].tolist() == pytest.approx([1 / 3, 1 / 3, 0, 0], abs=1e-5)


def test_shaped_noise_has_the_power_of_its_gains():
    gains = torch.full((1, 200, 2, BANDS, KNOTS), float(np.log(0.1)))
    sound = shaped_noise(gains)
    assert float(sound[..., HOP:].std()) == pytest.approx(0.1, rel=0.03)
    assert abs(float((sound[0, 0] * sound[0, 1]).mean())) < 0.05 * 0.01


def test_unused_entries_are_restarted():
    torch.manual_seed(0)
    quantizer = residual_quantizer(dimension=4, books=1, size=32)
    quantizer.train()
    quantizer(torch.randn(1, 4, 400) * 1e-3, 100)
    spread = torch.randn(1, 4, 400)
    for _ in range(250):
        result = quantizer(spread, 100)
    assert len(result.codes.unique()) > 24
