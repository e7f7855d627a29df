import numpy as np
from PIL import Image

from evaluation.sound.pictures import mel_db, save_comparison

RATE = 48000


def test_a_tone_lights_its_mel_band():
    low, high = (mel_db(0.5 * np.sin(2 * np.pi * f * np.arange(RATE) / RATE), RATE) for f in (200, 8000))
    assert low.shape == (128, RATE // 512 + 1)
    assert low[:, 40].argmax() < 20 < 80 < high[:, 40].argmax()


def test_the_picture_is_small_and_has_a_panel_per_row(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, (2 * RATE, 2))
    sizes = []
    for panels in (1, 3):
        path = tmp_path / f"{panels}" / "kit.png"
        save_comparison(path, "kit", [(f"row {i}", noise) for i in range(panels)], RATE)
        with Image.open(path) as picture:
            assert picture.mode == "P"
            sizes.append(picture.size)
        assert path.stat().st_size < 300_000
    assert sizes[1][1] > 2 * sizes[0][1]


def test_silence_can_be_drawn(tmp_path):
    save_comparison(tmp_path / "kit.png", "kit", [("a", np.zeros(RATE)), ("b", np.zeros(RATE))], RATE)
    assert (tmp_path / "kit.png").is_file()
