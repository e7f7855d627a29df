"""The conditional VAE of GrooveGen (Duggal and Kusnadi 2025) as its report states it: the baseline to measure against.

A loop is 64 sixteenths x 9 classes x (hit, offset, velocity); the condition is 18 styles one-hot and the tempo. The
encoder sees the condition, so its latents may hold the style however the loop sounds: that is the leak which the probe
of `ghostnote evaluate drummers` measures. What the report leaves open: tempo scaled as (bpm - 50) / 240, hits sampled
where their probability exceeds 0.5.
"""

import json
import logging
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from ghostnote.errors import InputError

STYLES: Final = 18
CONDITION: Final = STYLES + 1
LATENT: Final = 128
BETA: Final = 0.01
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class VaeTraining:
    """How the model is trained. As the report has it; it does not say after how many epochs it ends at the latest."""

    epochs: int = 300
    """At most."""
    batch: int = 32
    learning_rate: float = 1e-4
    """Of Adam; halved after `plateau` epochs without a lower validation loss."""
    plateau: int = 5
    patience: int = 15
    """Epochs without a lower validation loss after which training ends."""
    seed: int = 0


@dataclass(frozen=True)
class Past:
    """How a model was trained: on so many loops, for so many epochs, of which the best one is kept."""

    loops: int
    epochs: int
    best: int
    minutes: float
    """Of a core."""
    finished: bool
    """Whether it ended because nothing became better, as the report has it."""

    def in_words(self) -> str:
        """A clause for reports."""
        end = "until nothing improved" if self.finished else "cut short"
        return (
            f"{self.loops} loops, {self.epochs} epochs, {end}, the {self.best}th kept; {self.minutes:.0f} core-minutes"
        )


class Trained(NamedTuple):
    """A model and how it came to be."""

    net: "SeedVae"
    past: Past


class SeedVae(nn.Module):
    """Encoder and decoder; loops [B, 64, 9, 3], conditions [B, 19]."""

    def __init__(self) -> None:
        super().__init__()
        down, up = (27, 64, 128, 256, 512), (512, 256, 128, 64, 32)
        self.encoder = nn.Sequential(*(_block(nn.Conv1d(i, o, 4, 2, 1), o) for i, o in pairwise(down)))
        self.inner = nn.Sequential(
            nn.Linear(2048 + CONDITION, 512),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(512, 256),
            nn.ReLU(),
            nn.Dropout(0.2),
        )
        self.mean, self.log_variance = nn.Linear(256, LATENT), nn.Linear(256, LATENT)
        self.outer = nn.Sequential(
            nn.Linear(LATENT + CONDITION, 256),
            nn.ReLU(),
            nn.Linear(256, 512),
            nn.ReLU(),
            nn.Linear(512, 2048),
            nn.ReLU(),
        )
        self.decoder = nn.Sequential(
            *(_block(nn.ConvTranspose1d(i, o, 4, 2, 1), o) for i, o in pairwise(up)),
            nn.Conv1d(32, 27, 1),
        )

    def encode(self, loops: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the latents [B, 128]."""
        flat = self.encoder(loops.flatten(2).transpose(1, 2)).flatten(1)
        inner = self.inner(torch.cat([flat, condition], 1))
        return self.mean(inner), self.log_variance(inner)

    def decode(self, latents: Tensor, condition: Tensor) -> Tensor:
        """Logits of hits, offsets and logits of velocities, [B, 64, 9, 3]."""
        raw = self.decoder(self.outer(torch.cat([latents, condition], 1)).unflatten(1, (512, 4)))
        return raw.transpose(1, 2).unflatten(2, (9, 3))


def _block(layer: nn.Module, width: int) -> nn.Module:
    return nn.Sequential(layer, nn.BatchNorm1d(width), nn.ReLU())


def conditions(styles: NDArray[np.int64], bpm: NDArray[np.float64]) -> NDArray[np.float32]:
    """Conditions [n, 19] of style numbers (-1: none, all zero) and tempi."""
    one_hot = np.concatenate([np.eye(STYLES), np.zeros((1, STYLES))])[styles]
    return np.column_stack([one_hot, (bpm - 50) / 240]).astype(np.float32)


def loss(net: SeedVae, loops: Tensor, condition: Tensor) -> Tensor:
    """BCE of hits + half the squared errors of offset and velocity where hits are + 0.01 of the mean KL."""
    mean, log_variance = net.encode(loops, condition)
    latents = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
    raw, hits = net.decode(latents, condition), loops[..., 0]
    offset = torch.square(0.5 * torch.tanh(raw[..., 1]) - loops[..., 1]) * hits
    velocity = torch.square(torch.sigmoid(raw[..., 2]) - loops[..., 2]) * hits
    feel = (offset.sum() + velocity.sum()) / hits.sum().clamp(min=1)
    divergence = -0.5 * torch.mean(1 + log_variance - mean.square() - log_variance.exp())
    return F.binary_cross_entropy_with_logits(raw[..., 0], hits) + 0.5 * feel + BETA * divergence


def train_seed_vae(
    train: tuple[NDArray[np.float32], NDArray[np.float32]],
    validation: tuple[NDArray[np.float32], NDArray[np.float32]],
    course: VaeTraining,
) -> Trained:
    """Train on (loops, conditions); keep the weights of the epoch with the least validation loss."""
    torch.manual_seed(course.seed)
    rng, began = np.random.default_rng(course.seed), time.process_time()
    net, best, best_epoch, epoch = SeedVae(), float("inf"), 0, 0
    kept = net.state_dict()
    optimizer = torch.optim.Adam(net.parameters(), course.learning_rate)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=course.plateau)
    held = tuple(torch.from_numpy(part) for part in validation)
    while epoch < course.epochs and epoch - best_epoch < course.patience:
        epoch += 1
        _learn(net, optimizer, train, rng.permutation(len(train[0])), course.batch)
        with torch.no_grad():
            now = float(loss(net.eval(), *held))
        schedule.step(now)
        _log.info("epoch %d: validation loss %.4f", epoch, now)
        if now < best:
            best, best_epoch = now, epoch
            kept = {key: value.clone() for key, value in net.state_dict().items()}
    net.load_state_dict(kept)
    minutes = (time.process_time() - began) / 60
    finished = epoch - best_epoch >= course.patience
    return Trained(net.eval(), Past(len(train[0]), epoch, best_epoch, minutes, finished))


def _learn(
    net: SeedVae,
    optimizer: torch.optim.Optimizer,
    train: tuple[NDArray[np.float32], NDArray[np.float32]],
    order: NDArray[np.int64],
    batch: int,
) -> None:
    """One epoch, in this order; what is left over from whole batches waits for another epoch."""
    net.train()
    for rows in np.split(order[: len(order) // batch * batch], len(order) // batch):
        value = loss(net, torch.from_numpy(train[0][rows]), torch.from_numpy(train[1][rows]))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()


@torch.inference_mode()
def latents_of(net: SeedVae, loops: NDArray[np.float32], condition: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean latents [n, 128]."""
    return net.encode(torch.from_numpy(loops), torch.from_numpy(condition))[0].numpy()


@torch.inference_mode()
def draw_loop(net: SeedVae, condition: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """A loop [64, 9, 3] under a condition [19], its latents drawn from N(0, 1)."""
    latents = np.random.default_rng(seed).standard_normal((1, LATENT)).astype(np.float32)
    raw = net.decode(torch.from_numpy(latents), torch.from_numpy(condition[None]))[0]
    hits = raw[..., 0] > 0
    loop = torch.stack([hits.float(), 0.5 * torch.tanh(raw[..., 1]) * hits, torch.sigmoid(raw[..., 2]) * hits], -1)
    return loop.numpy()


def save(trained: Trained, path: Path) -> None:
    """Write the weights, and how they came to be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(trained.net.state_dict(), path, {"past": json.dumps(asdict(trained.past))})


def load(path: Path) -> Trained:
    """Read what `save` wrote. Raises InputError for another file."""
    net = SeedVae()
    try:
        with safe_open(path, "pt") as file:
            past = Past(**json.loads((file.metadata() or {})["past"]))
            net.load_state_dict({key: file.get_tensor(key) for key in file.keys()})  # noqa: SIM118 - no mapping
    except Exception as error:  # safetensors raises its own kind, torch RuntimeError
        raise InputError(f"{path} is not the seed's VAE ({error}): delete it, and it will be trained again") from None
    return Trained(net.eval(), past)
