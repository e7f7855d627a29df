"""Training of the groove network. Fitted on the train split, chosen on validation."""

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import cos, pi
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file
from torch import Tensor

from drummers.common.styles import STYLES
from ghostnote.errors import InputError
from ghostnote.music.performance import Performance
from training.checkpoints import read_weights
from training.drummers.groovegen.counts import start_from_counts
from training.drummers.groovegen.data import GrooveBatch, Loops, all_loops
from training.drummers.groovegen.network import GrooveConfig, GrooveNet, Losses
from training.ema import WeightAverage

Report = Callable[[str], None]
CHECKPOINT: Final = "best.safetensors"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GrooveRecipe:
    """How the network is trained."""

    minutes: float = 22.0
    batch: int = 32
    learning_rate: float = 3e-3
    hidden_past: float = 0.15
    free_nats: float = 0.3
    """Divergence per latent dimension that costs nothing."""
    divergence: float = 0.3
    seed: int = 0


def objective(losses: Losses, recipe: GrooveRecipe) -> Tensor:
    """Nats per loop with the weighted divergence."""
    divergence = losses.divergence.clamp(min=recipe.free_nats).sum()
    return losses.choice + 0.5 * (losses.offset + losses.velocity) + recipe.divergence * divergence


def train(performances: Sequence[Performance], folder: Path, minutes: float, report: Report) -> Path:
    """Train on the split "train" within `minutes` (0: the recipe's); the checkpoint in `folder`.

    A checkpoint that is there is where training starts from.
    """
    recipe = GrooveRecipe(minutes=minutes) if minutes else GrooveRecipe()
    torch.manual_seed(recipe.seed)
    folder.mkdir(parents=True, exist_ok=True)
    loops = Loops([p for p in performances if p.split == "train"], recipe.seed)
    check, _ = all_loops([p for p in performances if p.split == "validation"])
    check = GrooveBatch(*(column[::3] for column in check))
    path, before = folder / CHECKPOINT, (0, 0.0)
    net = GrooveNet(GrooveConfig())
    if not path.is_file():
        start_from_counts(net, all_loops([p for p in performances if p.split == "train"])[0])
    else:
        net, facts = load(folder)
        before = (facts["step"], facts["minutes"])
        net.train()
    optimizer = torch.optim.AdamW(net.parameters(), recipe.learning_rate, weight_decay=0.02)
    average = WeightAverage(net, 0.998)
    start, step, best, next_check = time.monotonic(), 0, float("inf"), 0.0
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
            next_check = spent + 0.16
            found = validate(net, average, check, recipe)
            report(f"step {step}, {spent:.0%}: " + ", ".join(f"{k} {v:.1f}" for k, v in found.items()))
            if found["objective"] < best:
                best = found["objective"]
                facts = {
                    "network": asdict(net.config),
                    "validation": found,
                    "step": before[0] + step,
                    "minutes": before[1] + spent * recipe.minutes,
                    "styles": list(STYLES),
                    "recipe": asdict(recipe),
                }
                save_file(dict(average.values), path, {"ghostnote": json.dumps(facts)})
    return path


@torch.no_grad()
def validate(net: GrooveNet, average: WeightAverage, check: GrooveBatch, recipe: GrooveRecipe) -> dict[str, float]:
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


def load(folder: Path) -> tuple[GrooveNet, dict[str, Any]]:
    """The network that `train` wrote, and its facts."""
    weights, facts = read_weights(folder / CHECKPOINT)
    if facts["styles"] != list(STYLES):
        raise InputError(f"{folder} was trained with other styles than this program's: train it again")
    net = GrooveNet(GrooveConfig(**facts["network"]))
    net.load_state_dict(weights)
    return net.eval(), facts
