"""Classifiers of loops (which style, which drummer), for the evaluation of drummers only; never a part of them.

A small convolutional network over time on the grid of `evaluation/drummers/loops.py`, which is told where in the bar it
is. Performances are counted instead of loops. The learning rate falls to nothing, so the last epoch is taken; nothing
is chosen by other loops, which therefore can judge the classifier.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from ghostnote.errors import InputError

CHANNELS: Final = 27
BAR: Final = 16
"""Steps of a bar."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelledLoops:
    """grids [n, steps, 9, 3], labels [n] as indices of the classifier's names, performances [n] by name."""

    grids: NDArray[np.float32]
    labels: NDArray[np.int64]
    performances: Sequence[str]

    def part(self, rows: NDArray[np.bool_]) -> "LabelledLoops":
        """Some of the loops."""
        names = [name for name, kept in zip(self.performances, rows, strict=True) if kept]
        return LabelledLoops(self.grids[rows], self.labels[rows], names)


@dataclass(frozen=True)
class ClassifierTraining:
    """How a classifier is trained."""

    epochs: int = 8
    loops_per_epoch: int = 4096
    batch: int = 64
    learning_rate: float = 2e-3
    seed: int = 0


class LoopNet(nn.Module):
    """[B, steps, 9, 3] to logits [B, classes]; whole 4/4 bars."""

    def __init__(self, classes: int, width: int = 64, dropout: float = 0.4) -> None:
        super().__init__()
        widths = (CHANNELS + BAR, width, 2 * width, 2 * width)
        blocks = [
            nn.Sequential(nn.Conv1d(i, o, 5, padding=2), nn.BatchNorm1d(o), nn.ReLU(), nn.MaxPool1d(2))
            for i, o in pairwise(widths)
        ]
        self.body = nn.Sequential(*blocks)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(4 * width, classes))

    def forward(self, grid: Tensor) -> Tensor:
        """Logits of the loops."""
        place = torch.eye(BAR).repeat(1, grid.shape[1] // BAR).expand(len(grid), -1, -1)
        x = self.body(torch.cat([grid.flatten(2).transpose(1, 2), place], 1))
        return self.head(torch.cat([x.mean(2), x.amax(2)], 1))


class Classifier:
    """A trained network and the names of its classes."""

    def __init__(self, net: LoopNet, names: Sequence[str]) -> None:
        self.net, self.names = net.eval(), tuple(names)

    @torch.inference_mode()
    def probabilities(self, grids: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of every class for every loop, [n, classes]."""
        parts = torch.from_numpy(np.ascontiguousarray(grids, np.float32)).split(512)
        return torch.cat([self.net(part).double().softmax(1) for part in parts]).numpy()

    def save(self, path: Path) -> None:
        """Write the weights with the names of the classes."""
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(self.net.state_dict(), path, {"names": ",".join(self.names)})

    @classmethod
    def load(cls, path: Path) -> "Classifier":
        """Read what `save` wrote. Raises InputError for another file."""
        try:
            with safe_open(path, "pt") as file:
                names = (file.metadata() or {})["names"].split(",")
                weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
            net = LoopNet(len(names))
            net.load_state_dict(weights)
        except Exception as error:  # safetensors raises its own kind, torch RuntimeError
            raise InputError(
                f"{path} is not a classifier of loops ({error}): delete it, and it will be trained again"
            ) from None
        return cls(net, names)


class LoopClassifier(Protocol):
    """Whatever names what loops are."""

    def probabilities(self, grids: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of every class for every loop, [n, classes]."""
        ...


@dataclass(frozen=True)
class ClassifierEnsemble:
    """Classifiers whose probabilities are averaged, because those of one depend much on its training."""

    members: Sequence[LoopClassifier]

    def probabilities(self, grids: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of every class for every loop, [n, classes]: the mean of the members'."""
        return np.mean([member.probabilities(grids) for member in self.members], axis=0)


def assign_folds(loops: LabelledLoops, folds: int, seed: int = 0) -> NDArray[np.int64]:
    """The fold 0..`folds` - 1 of every loop [n]: performances dealt out, those of a class evenly."""
    label_of = dict(zip(loops.performances, loops.labels.tolist(), strict=True))
    rng = np.random.default_rng(seed)
    order: list[str] = []
    for label in sorted(set(label_of.values())):
        mine = sorted(name for name in label_of if label_of[name] == label)
        rng.shuffle(mine)
        order += mine
    fold = {name: number % folds for number, name in enumerate(order)}
    return np.array([fold[name] for name in loops.performances])


def train_classifier(train: LabelledLoops, names: Sequence[str], how: ClassifierTraining) -> Classifier:
    """Train on `train`."""
    torch.manual_seed(how.seed)
    rng = np.random.default_rng(how.seed)
    net = LoopNet(len(names))
    batches = how.loops_per_epoch // how.batch
    optimizer = torch.optim.AdamW(net.parameters(), how.learning_rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, how.learning_rate, total_steps=how.epochs * batches)
    chance = sampling(train)
    net.train()
    for epoch in range(how.epochs):
        losses: list[float] = []
        for rows in np.split(rng.choice(len(chance), batches * how.batch, p=chance), batches):
            grids = torch.from_numpy(augment(train.grids[rows], rng))
            loss = F.cross_entropy(net(grids), torch.from_numpy(train.labels[rows]), label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        _log.info("epoch %d: mean loss %.3f", epoch + 1, float(np.mean(losses)))
    return Classifier(net, names)


def sampling(loops: LabelledLoops) -> NDArray[np.float64]:
    """Chance of every loop [n]: classes by the root of their performances, performances and their loops alike.

    Loops of a performance overlap and add little; counting loops would let a few long takes dominate.
    """
    _, members, sizes = np.unique(np.asarray(loops.performances), return_inverse=True, return_counts=True)
    per_class = np.array([len(set(members[loops.labels == label])) for label in range(loops.labels.max() + 1)])
    chance = 1 / sizes[members] / np.sqrt(per_class[loops.labels])
    return chance / chance.sum()


def augment(grids: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Copies with bars rotated, velocities scaled, timing shaken, and now and then one instrument left out."""
    n, steps, kinds, _ = grids.shape
    turns = rng.integers(steps // 16, size=n) * 16
    rows = (np.arange(steps)[None] + turns[:, None]) % steps
    out = grids[np.arange(n)[:, None], rows].copy()
    struck = out[..., 0]
    out[..., 2] = np.clip(out[..., 2] * np.exp(rng.normal(0, 0.15, (n, 1, 1))), 0, 1)
    out[..., 1] += struck * rng.normal(0, 0.03, struck.shape)
    left_out = rng.uniform(size=(n, kinds)) < 0.05
    return (out * ~left_out[:, None, :, None]).astype(np.float32)
