import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra train")
pytest.importorskip("sklearn", reason="needs the extra evaluate")

from training.drummers.common.classifiers import LabelledLoops
from training.drummers.common.loop_trees import features, spread_rows, train_trees


def loops(count=48):
    """Class 2 plays the snare late, class 0 on the beat; nothing of class 1."""
    labels = np.arange(count) % 2 * 2
    grids = np.zeros((count, 64, 9, 3), np.float32)
    grids[:, 4::8, 1] = (1, 0, 0.7)
    grids[labels == 2, 4::8, 1, 1] = 0.3
    return LabelledLoops(grids, labels, [str(i // 4) for i in range(count)])


def test_trees_learn_what_tells_two_kinds_apart_and_give_nothing_to_an_unknown_one():
    found = train_trees(loops(), ["straight", "unheard", "late"]).probabilities(loops(12).grids)
    assert found.sum(1) == pytest.approx(np.ones(12))
    assert (found.argmax(1) == loops(12).labels).all()
    assert (found[:, 1] == 0).all()


def test_the_same_loops_grow_the_same_trees():
    first, again = (train_trees(loops(), ["a", "b", "c"]).probabilities(loops(4).grids) for _ in range(2))
    assert (first == again).all()


def test_features_do_not_depend_on_which_bar_comes_first():
    grids = np.zeros((1, 64, 9, 3), np.float32)
    grids[0, 3, 2], grids[0, 40, 1] = (1, 0.2, 0.5), (1, -0.1, 0.9)
    turned = np.concatenate([grids[:, 16:], grids[:, :16]], 1)
    differing = ~np.isclose(features(grids), features(turned))
    assert differing.sum() == 0


def test_rows_are_spread_over_a_performance():
    assert spread_rows(["a"] * 9 + ["b"], 3).tolist() == [0, 4, 8, 9]
