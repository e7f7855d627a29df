import numpy as np
import pytest

from evaluation.sound.embedding import DIMENSIONS, Yamnet
from ghostnote.errors import MissingError


@pytest.fixture(scope="module")
def yamnet(data_dir):
    pytest.importorskip("ai_edge_litert", reason="needs the extra evaluate")
    return Yamnet(data_dir / "eval" / "yamnet.tflite")


def noise(seconds: float, rate: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.3, 0.3, (round(seconds * rate), 2)).astype(np.float32)


@pytest.mark.parametrize(("seconds", "patches"), [(0.2, 1), (0.975, 1), (1.4, 1), (1.5, 2), (2.0, 3)])
def test_patches_start_every_half_patch_and_short_clips_give_one(yamnet, seconds, patches):
    assert yamnet(noise(seconds, 16000), 16000).shape == (patches, DIMENSIONS)


def test_the_pooled_tensor_is_alive_and_depends_on_the_sound_alone(yamnet):
    hiss, tone = noise(1, 16000), 0.3 * np.sin(np.arange(16000) * 0.2)
    first = yamnet(hiss, 16000)
    assert np.count_nonzero(first) > 30
    assert not np.allclose(first, yamnet(tone, 16000), atol=0.1)
    assert np.array_equal(first, yamnet(hiss, 16000))


def test_a_missing_or_foreign_file_is_named(tmp_path):
    with pytest.raises(MissingError, match=r"no YAMNet file .*nothing\.tflite"):
        Yamnet(tmp_path / "nothing.tflite")
