import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra train")

import torch

from ghostnote.errors import InputError
from training.drummers.common.classifiers import (
    Classifier,
    ClassifierEnsemble,
    ClassifierTraining,
    LabelledLoops,
    LoopNet,
    assign_folds,
    augment,
    sampling,
    train_classifier,
)

RNG = np.random.default_rng(0)


def loops(count=64):
    """Two kinds of loop: class 1 plays eighths on the hat, class 0 quarters."""
    labels = np.arange(count) % 2
    grids = np.zeros((count, 32, 9, 3), np.float32)
    grids[:, ::4, 2] = (1, 0, 0.6)
    grids[labels == 1, 2::4, 2] = (1, 0.1, 0.4)
    grids[:, 0, 0] = (1, 0, 0.9)
    return LabelledLoops(grids, labels, [str(i // 4) for i in range(count)])


@pytest.fixture(scope="module")
def trained():
    return train_classifier(loops(), ["slow", "fast"], ClassifierTraining(4, 256, 32))


def test_a_classifier_learns_what_tells_two_kinds_apart(trained):
    probabilities = trained.probabilities(loops(20).grids)
    assert probabilities.sum(1) == pytest.approx(np.ones(20))
    assert (probabilities.argmax(1) == loops(20).labels).all()


def test_the_same_seed_trains_the_same_classifier(trained):
    again = train_classifier(loops(), ["slow", "fast"], ClassifierTraining(4, 256, 32))
    assert again.probabilities(loops(8).grids) == pytest.approx(trained.probabilities(loops(8).grids))


def test_a_saved_classifier_is_read_back_with_its_names(trained, tmp_path):
    trained.save(tmp_path / "deep" / "ear.safetensors")
    again = Classifier.load(tmp_path / "deep" / "ear.safetensors")
    assert again.names == ("slow", "fast")
    assert (again.probabilities(loops(8).grids) == trained.probabilities(loops(8).grids)).all()


def test_a_foreign_file_is_named(tmp_path):
    (tmp_path / "ear.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match="is not a classifier of loops"):
        Classifier.load(tmp_path / "ear.safetensors")


def test_performances_are_drawn_alike_however_long_they_are():
    labels, takes = np.zeros(11, int), ["long"] * 10 + ["short"]
    chance = sampling(LabelledLoops(np.zeros((11, 32, 9, 3), np.float32), labels, takes))
    assert chance.sum() == pytest.approx(1)
    assert chance[-1] == pytest.approx(chance[:10].sum())


def test_augmented_loops_keep_their_hits_in_bar_order():
    grids = loops(8).grids
    changed = augment(grids, RNG)
    assert changed.shape == grids.shape
    assert not np.shares_memory(changed, grids)
    for before, after in zip(grids, changed, strict=True):
        turned = {tuple(np.roll(before[..., 0], turn, 0).sum(1)) for turn in (0, 16)}
        kept = after[..., 0].any(0)
        assert tuple((after[..., 0]).sum(1)) in turned or kept.sum() < (before[..., 0].any(0)).sum()
    assert (changed[..., 2] <= 1).all()
    assert (changed[..., 1:][changed[..., 0] == 0] == 0).all()


def test_logits_have_one_column_per_class():
    assert LoopNet(5)(torch.zeros(3, 64, 9, 3)).shape == (3, 5)


def test_performances_are_dealt_out_whole_and_evenly_by_class():
    names = [f"{'slow' if i < 32 else 'fast'} {i // 4}" for i in range(64)]
    given = LabelledLoops(loops(64).grids, np.repeat([0, 1], 32), names)
    fold = assign_folds(given, 4)
    for first in (0, 32):
        per_take = fold[first : first + 32].reshape(8, 4)
        assert (per_take == per_take[:, :1]).all()
        assert np.bincount(per_take[:, 0]).tolist() == [2, 2, 2, 2]
    left = given.part(fold != 1)
    assert len(left.grids) == len(left.labels) == len(left.performances) == 48


def test_a_panel_says_the_mean_of_its_members(trained):
    other = Classifier(LoopNet(2), ["slow", "fast"])
    grids = loops(8).grids
    both = ClassifierEnsemble([trained, other]).probabilities(grids)
    assert both == pytest.approx((trained.probabilities(grids) + other.probabilities(grids)) / 2)
