"""The conditional VAE of GrooveGen (Duggal and Kusnadi 2025) as its report states it: the baseline to measure against.

A loop is 64 sixteenths x 9 classes x (hit, offset, velocity); the condition is 18 styles one-hot and the tempo. The
encoder sees the condition, so its latents may hold the style however the loop sounds: that is the leak which the probe
of `ghostnote evaluate drummers` measures. What the report leaves open: tempo scaled as (bpm - 50) / 240, hits sampled
where their probability exceeds 0.5.
"""

import logging
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from ghostnote.errors import InputError

STYLES: Final = 18
CONDITION: Final = STYLES + 1
LATENT: Final = 128
BETA: Final = 0.01
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Course:
    """How long the model is trained.

    The report: Adam 1e-4, batch 32, until 15 epochs bring nothing. Here: four times the batch and the rate, and few
    epochs, so that a CPU is done in a minute or two.
    """

    epochs: int = 8
    batch: int = 128
    learning_rate: float = 4e-4
    seed: int = 0


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
    course: Course,
) -> SeedVae:
    """Train on (loops, conditions); keep the weights of the epoch with the least validation loss."""
    torch.manual_seed(course.seed)
    rng = np.random.default_rng(course.seed)
    net, best = SeedVae(), float("inf")
    kept = net.state_dict()
    optimizer = torch.optim.Adam(net.parameters(), course.learning_rate)
    held = tuple(torch.from_numpy(part) for part in validation)
    for epoch in range(course.epochs):
        net.train()
        order = rng.permutation(len(train[0]))
        for rows in np.split(order[: len(order) // course.batch * course.batch], len(order) // course.batch):
            value = loss(net, torch.from_numpy(train[0][rows]), torch.from_numpy(train[1][rows]))
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            now = float(loss(net, *held))
        _log.info("epoch %d: validation loss %.4f", epoch + 1, now)
        if now < best:
            best, kept = now, {key: value.clone() for key, value in net.state_dict().items()}
    net.load_state_dict(kept)
    return net.eval()


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


def save(net: SeedVae, path: Path) -> None:
    """Write the weights."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(net.state_dict(), path)


def load(path: Path) -> SeedVae:
    """Read what `save` wrote. Raises InputError for another file."""
    net = SeedVae()
    try:
        net.load_state_dict(load_file(path))
    except Exception as error:  # safetensors raises its own kind, torch RuntimeError
        raise InputError(f"{path} does not hold the seed's VAE ({error}): delete it, it will be trained anew") from None
    return net.eval()
