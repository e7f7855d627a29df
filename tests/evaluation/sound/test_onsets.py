import numpy as np
import pytest

from evaluation.sound.onsets import agreement, detect_onsets, expected_onsets
from ghostnote.music.performance import Performance, make_hits

TIMES = np.array([0.2, 0.35, 0.777, 1.3, 1.9])


def clicks(rate: int, times=TIMES, seconds: float = 2.2, tail: float = 0.0, seed: int = 0) -> np.ndarray:
    """Clicks, or noise bursts that decay with the time constant `tail` [s], at `times`."""
    random = np.random.default_rng(seed)
    audio = np.zeros(round(seconds * rate))
    burst = np.ones(1) if not tail else np.exp(-np.arange(round(5 * tail * rate)) / (tail * rate))
    for time in times:
        start = round(time * rate)
        shape = burst * random.standard_normal(len(burst)) if tail else burst
        audio[start : start + len(burst)] += 0.5 * shape[: len(audio) - start]
    return audio


@pytest.mark.parametrize("rate", [48000, 44100, 32000])
@pytest.mark.parametrize("tail", [0.0, 0.01, 0.03])
def test_clicks_and_bursts_are_found_within_three_milliseconds(rate, tail):
    found = detect_onsets(clicks(rate, tail=tail), rate)
    assert len(found) == len(TIMES)
    assert np.abs(found - TIMES).max() < 0.003


@pytest.mark.parametrize("gain", [1e-3, 1.0])
def test_level_of_the_whole_clip_does_not_matter(gain):
    clip = clicks(48000, tail=0.02)
    assert np.allclose(detect_onsets(clip * gain, 48000), detect_onsets(clip, 48000))


def test_stereo_is_heard_as_its_mean():
    clip = clicks(48000, tail=0.02)
    assert np.array_equal(detect_onsets(np.stack([clip, clip], axis=1), 48000), detect_onsets(clip, 48000))


def test_silence_steady_tone_and_very_short_clips_have_no_onsets_inside():
    assert len(detect_onsets(np.zeros((48000, 2)), 48000)) == 0
    assert len(detect_onsets(np.zeros(10), 48000)) == 0
    tone = np.sin(2 * np.pi * 440 * np.arange(96000) / 48000)
    assert not np.any((detect_onsets(tone, 48000) > 0.1) & (detect_onsets(tone, 48000) < 1.9))


def test_a_click_far_below_the_loudest_is_dropped():
    clip = clicks(48000, [0.3, 1.0], tail=0.02) + 0.005 * clicks(48000, [0.6], tail=0.02, seed=1)
    assert np.allclose(detect_onsets(clip, 48000), [0.3, 1.0], atol=0.003)


def test_expected_onsets_leave_out_soft_hits_and_take_the_loudest_of_a_group():
    hits = make_hits([(0.10, 0, 0.9), (0.5, 1, 0.30), (1.0, 1, 0.4), (1.03, 0, 0.8), (1.049, 2, 0.5), (1.06, 3, 0.31)])
    assert expected_onsets(hits).tolist() == [0.10, 1.03, 1.06]
    assert len(expected_onsets(hits[:0])) == 0


def test_agreement_matches_one_to_one_within_the_tolerance():
    wide = agreement(np.array([1.0, 2.0]), np.array([1.02, 1.04, 3.0]), 0.05)
    assert (wide.precision, wide.recall) == pytest.approx((1 / 3, 1 / 2))
    assert wide.f1 == pytest.approx(0.4)
    assert agreement(np.array([1.0, 2.0]), np.array([1.02, 1.04, 3.0]), 0.01).f1 == 0


def test_two_empty_lists_agree_and_one_empty_list_does_not():
    empty, one = np.empty(0), np.array([1.0])
    assert agreement(empty, empty, 0.05).f1 == 1
    assert agreement(empty, one, 0.05).f1 == agreement(one, empty, 0.05).f1 == 0


def test_on_real_kits_most_hits_are_found_also_within_ten_milliseconds(data_dir):
    from sampler.kit import load_kit
    from sampler.mix import mix

    random = np.random.default_rng(4)
    rows = [
        (0.3 * i + random.uniform(-0.03, 0.03), (0, 10, 1, 10)[i % 4], random.uniform(0.5, 1)) for i in range(1, 24)
    ]
    take = Performance(make_hits(rows), duration=8.0)
    for kit in ("tr808", "studio_cc0"):
        found = detect_onsets(mix(load_kit(data_dir / "kits" / kit), take, frames=8 * 48000), 48000)
        assert agreement(expected_onsets(take.hits), found, 0.05).f1 > 0.95
        assert agreement(expected_onsets(take.hits), found, 0.01).f1 > 0.9
