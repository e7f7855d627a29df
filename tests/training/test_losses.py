"""Losses: zero for equal audio, growing with distance; the balancer gives each loss its share."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

from training.losses import (  # noqa: E402
    RESOLUTIONS,
    Balancer,
    envelope_loss,
    magnitude,
    resolutions_of_step,
    stft_loss,
    wave_loss,
)


def test_equal_audio_costs_nothing_and_silence_costs_most():
    audio = torch.randn(2, 2, 8000) * 0.1
    assert stft_loss(audio, audio) < 1e-5
    assert stft_loss(audio * 0.9, audio) < stft_loss(audio * 0.5, audio) < stft_loss(audio * 0, audio)
    assert wave_loss(audio * 0, audio) == pytest.approx(1.0, abs=1e-4)


def test_every_resolution_has_its_turn():
    assert {r for step in range(5) for r in resolutions_of_step(step)} == set(RESOLUTIONS)


def test_the_balancer_ignores_the_scale_of_a_loss():
    rendered = torch.randn(1, 2, 100, requires_grad=True)
    small, large = (rendered[:, 0] ** 2).sum(), 1000 * (rendered[:, 1] ** 2).sum()
    gradient = Balancer({"small": 1.0, "large": 1.0}).backward({"small": small, "large": large}, rendered)
    assert float(gradient[:, 0].norm()) == pytest.approx(0.5, rel=1e-3)
    assert float(gradient[:, 1].norm()) == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize(("size", "hop"), RESOLUTIONS)
def test_magnitude_is_that_of_a_hann_windowed_stft(size: int, hop: int) -> None:
    audio = torch.randn(2, 6000)
    window = torch.hann_window(size)
    stft = torch.stft(audio, size, hop, window=window, pad_mode="constant", return_complex=True)
    expected = stft.abs().transpose(1, 2)[..., :-1] * (2 / window.sum())
    assert torch.allclose(magnitude(audio, size, hop)[:, : expected.shape[1]], expected, atol=1e-5)


def test_magnitude_gradient_is_the_true_one() -> None:
    audio = torch.randn(1, 700, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(1, 12, 64)
    (slope,) = torch.autograd.grad((magnitude(audio, 128, 64) * weights).sum(), audio)
    direction = torch.randn_like(audio)
    ahead, behind = ((magnitude(audio + e * direction, 128, 64) * weights).sum() for e in (1e-3, -1e-3))
    assert torch.allclose((slope * direction).sum().float(), ((ahead - behind) / 2e-3).float(), rtol=1e-2)


def test_envelope_loss_hears_flicker_between_hits() -> None:
    decay = torch.exp(-torch.arange(24000) / 4000.0)
    reference = (torch.randn(2, 1, 24000) * decay).expand(2, 2, -1)
    gain = 10 ** (torch.randn(2, 1, 94).repeat_interleave(256, -1)[..., :24000] * 6 / 20)
    flickering, quieter = reference * gain, reference * 0.5
    assert envelope_loss(reference, reference)[1] == 0
    assert envelope_loss(flickering, reference)[1] > 3 * envelope_loss(quieter, reference)[1]
    assert envelope_loss(quieter, reference)[0] > 0.1
