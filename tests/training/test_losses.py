"""Losses: zero for equal audio, growing with distance; the balancer gives each loss its share."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

from training.losses import RESOLUTIONS, Balancer, resolutions_of_step, stft_loss, wave_loss  # noqa: E402


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
