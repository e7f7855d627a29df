import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra train")

import torch

from ghostnote.errors import InputError
from training.drummers.groovegen.seed_vae import (
    VaeTraining,
    conditions,
    draw_loop,
    latents_of,
    load,
    save,
    train_seed_vae,
)


def lessons(count=32):
    """Style 0 strikes the kick on quarters, style 1 the snare."""
    styles = np.arange(count) % 2
    loops = np.zeros((count, 64, 9, 3), np.float32)
    loops[np.arange(count), ::4, styles] = (1, 0.1, 0.7)
    return loops, conditions(styles, np.full(count, 120.0))


@pytest.fixture(scope="module")
def trained():
    return train_seed_vae(lessons(), lessons(16), VaeTraining(epochs=30, batch=32, learning_rate=3e-3))


def test_conditions_are_a_style_or_none_and_the_tempo():
    found = conditions(np.array([3, -1]), np.array([50.0, 290.0]))
    assert found.shape == (2, 19)
    assert found[0].tolist() == [float(i == 3) for i in range(18)] + [0.0]
    assert found[1].tolist() == [0.0] * 18 + [1.0]


def test_it_learns_to_play_a_loop_again_from_its_latents(trained):
    loops, condition = lessons(8)
    with torch.inference_mode():
        again = trained.net.decode(
            torch.from_numpy(latents_of(trained.net, loops, condition)), torch.from_numpy(condition)
        )
    assert ((again[..., 0].numpy() > 0) == (loops[..., 0] > 0)).mean() > 0.95


def test_a_draw_depends_on_its_seed_alone(trained):
    condition = conditions(np.array([0]), np.array([120.0]))[0]
    assert (draw_loop(trained.net, condition, 5) == draw_loop(trained.net, condition, 5)).all()


def test_latents_are_the_same_after_saving(trained, tmp_path):
    loops, condition = lessons(4)
    save(trained, tmp_path / "deep" / "vae.safetensors")
    again = load(tmp_path / "deep" / "vae.safetensors")
    assert latents_of(again.net, loops, condition).shape == (4, 128)
    assert (latents_of(again.net, loops, condition) == latents_of(trained.net, loops, condition)).all()
    assert again.past == trained.past


def test_training_ends_when_nothing_improves_and_says_so():
    ended = train_seed_vae(lessons(), lessons(16), VaeTraining(learning_rate=0.0, batch=16, patience=3)).past
    assert (ended.loops, ended.finished) == (32, True)
    assert ended.epochs == ended.best + 3
    cut = train_seed_vae(lessons(), lessons(16), VaeTraining(epochs=2, batch=16, patience=3)).past
    assert (cut.epochs, cut.finished) == (2, False)
    assert "cut short" in cut.in_words()


def test_a_foreign_file_is_named(tmp_path):
    (tmp_path / "vae.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match="is not the seed's VAE"):
        load(tmp_path / "vae.safetensors")
