import numpy as np
import pytest

from evaluation.sound.kit_id import KitClassifier, kit_features
from ghostnote.errors import InputError

RATE = 48000


def strokes(pitch: float, seed: int) -> np.ndarray:
    """A second of decaying tones of one pitch in stereo noise, at random times."""
    random = np.random.default_rng(seed)
    audio = 0.003 * random.standard_normal((RATE, 2))
    time = np.arange(RATE // 4) / RATE
    for start in random.integers(RATE // 2, size=3):
        tone = np.sin(2 * np.pi * pitch * time) * np.exp(-time / 0.05)
        audio[start : start + len(time)] += random.uniform(0.3, 0.6) * tone[:, None]
    return audio


def test_kits_of_different_sound_are_told_apart_on_unseen_clips():
    pitches = {"low": 150, "middle": 600, "high": 4000}
    lessons = [(kit_features(strokes(pitch, seed), RATE), kit) for kit, pitch in pitches.items() for seed in range(8)]
    classifier = KitClassifier([f for f, _ in lessons], [kit for _, kit in lessons])
    for kit, pitch in pitches.items():
        assert classifier.predict(kit_features(strokes(pitch, 100), RATE)) == kit


def test_features_ignore_level_and_are_finite_for_silence_and_short_clips():
    clip = strokes(300, 0)
    assert np.allclose(kit_features(clip * 0.1, RATE), kit_features(clip, RATE))
    assert np.isfinite(kit_features(np.zeros((RATE, 2)), RATE)).all()
    assert kit_features(np.ones(100), RATE).shape == (160,)


def test_one_kit_alone_cannot_be_told_from_others():
    with pytest.raises(InputError, match="at least two kits"):
        KitClassifier([np.zeros(3), np.ones(3)], ["a", "a"])
