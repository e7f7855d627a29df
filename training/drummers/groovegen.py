"""Training of the groove network and of its style critic. Fitted on the train split, chosen on validation."""

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import cos, pi
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from drummers.styles import STYLES
from ghostnote.performance import Performance
from training.checkpoints import read_weights
from training.drummers.groovegen_data import Batch, Loops, all_loops
from training.drummers.groovegen_net import GrooveNet, Losses, NetConfig, StyleCritic
from training.ema import WeightAverage

Report = Callable[[str], None]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """How the network is trained."""

    minutes: float = 22.0
    batch: int = 32
    learning_rate: float = 3e-3
    hidden_past: float = 0.15
    free_nats: float = 0.3
    """Divergence per latent dimension that costs nothing."""
    divergence: float = 0.3
    critic_steps: int = 150
    seed: int = 0


def objective(losses: Losses, recipe: Recipe) -> Tensor:
    """Nats per loop with the weighted divergence."""
    divergence = losses.divergence.clamp(min=recipe.free_nats).sum()
    return losses.choice + 0.5 * (losses.offset + losses.velocity) + recipe.divergence * divergence


def train(performances: Sequence[Performance], folder: Path, minutes: float, report: Report) -> Path:
    """Train on the split "train" within `minutes` (0: the recipe's); the checkpoint in `folder`."""
    recipe = Recipe(minutes=minutes) if minutes else Recipe()
    torch.manual_seed(recipe.seed)
    folder.mkdir(parents=True, exist_ok=True)
    loops = Loops([p for p in performances if p.split == "train"], recipe.seed)
    check, _ = all_loops([p for p in performances if p.split == "validation"])
    check = Batch(*(column[::3] for column in check))
    train_critic(loops, performances, folder / "critic.safetensors", recipe, report)
    net = GrooveNet(NetConfig())
    optimizer = torch.optim.AdamW(net.parameters(), recipe.learning_rate, weight_decay=0.02)
    average = WeightAverage(net, 0.998)
    path = folder / "best.safetensors"
    start, step, best, next_check = time.monotonic(), 0, float("inf"), 0.1
    while (spent := (time.monotonic() - start) / (60 * recipe.minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * min(1, (step + 1) / 50) * (0.5 + 0.5 * cos(pi * spent)) + 1e-5
        losses = net(loops.draw(recipe.batch), recipe.hidden_past)
        optimizer.zero_grad()
        objective(losses, recipe).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        average.update(net)
        step += 1
        if spent > next_check:
            next_check += 0.1
            found = validate(net, average, check, recipe)
            report(f"step {step}, {spent:.0%}: " + ", ".join(f"{k} {v:.1f}" for k, v in found.items()))
            if found["objective"] < best:
                best = found["objective"]
                facts = {"network": asdict(net.config), "validation": found, "step": step, "styles": list(STYLES),
                         "minutes": spent * recipe.minutes, "recipe": asdict(recipe)}  # fmt: skip
                save_file(dict(average.values), path, {"ghostnote": json.dumps(facts)})
    return path


@torch.no_grad()
def validate(net: GrooveNet, average: WeightAverage, check: Batch, recipe: Recipe) -> dict[str, float]:
    """Losses on validation with the averaged weights."""
    average.swap(net)
    net.eval()
    losses = net(check)
    net.train()
    average.swap(net)
    return {
        "objective": float(objective(losses, recipe)),
        "choice": float(losses.choice),
        "offset": float(losses.offset),
        "velocity": float(losses.velocity),
        "divergence": float(losses.divergence.sum()),
    }


def train_critic(
    loops: Loops, performances: Sequence[Performance], path: Path, recipe: Recipe, report: Report
) -> None:  # fmt: skip
    """A classifier of styles on the train split; its accuracy on validation, performances counted once."""
    torch.manual_seed(recipe.seed)
    check, names = all_loops([p for p in performances if p.split == "validation"])
    critic = StyleCritic(len(STYLES))
    steps = recipe.critic_steps
    optimizer = torch.optim.AdamW(critic.parameters(), 2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    for _ in range(steps):
        batch = loops.draw(64)
        styles = batch.conditions[:, : len(STYLES)]
        known = styles.sum(1) > 0
        turned = torch.roll(batch.planes, 16 * int(torch.randint(4, ())), 1)
        nats = F.cross_entropy(critic(turned), styles, reduction="none", label_smoothing=0.05)
        loss = (nats * known).sum() / known.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    critic.eval()
    with torch.no_grad():
        right = (critic(check.planes).argmax(1) == check.conditions[:, : len(STYLES)].argmax(1)).numpy()
    _, members = np.unique(names, return_inverse=True)
    accuracy = float(np.mean(np.bincount(members, right) / np.bincount(members)))
    report(f"style critic: accuracy {accuracy:.3f} on validation")
    save_file(critic.state_dict(), path, {"ghostnote": json.dumps({"accuracy": accuracy})})


def load(folder: Path) -> tuple[GrooveNet, StyleCritic, dict[str, object]]:
    """What `train` wrote, and its facts."""
    weights, facts = read_weights(folder / "best.safetensors")
    net = GrooveNet(NetConfig(**facts["network"]))
    net.load_state_dict(weights)
    critic_weights, critic_facts = read_weights(folder / "critic.safetensors")
    critic = StyleCritic(len(STYLES))
    critic.load_state_dict(critic_weights)
    return net.eval(), critic.eval(), {**facts, "critic_accuracy": critic_facts["accuracy"]}
