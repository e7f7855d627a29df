"""Training of the humaniser: minutes on one core."""

import copy
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from drummers.humanizer_network import LOOKS
from ghostnote.performance import Performance
from training.drummers.humanizer_data import Examples, examples, vary
from training.drummers.humanizer_net import HumanizerNet, HumanizerSize

_log = logging.getLogger(__name__)
CHECKPOINT: Final = "best.pt"
Report = Callable[[str], object]
"""Takes one line for each epoch."""


@dataclass(frozen=True)
class Recipe:
    """How the networks are trained."""

    epochs: int = 7
    batch: int = 512
    rate: float = 1.5e-3
    decay: float = 0.02
    noise: float = 0.1
    """Standard deviation of noise on what was played, which keeps drawn performances from running away."""
    seed: int = 0


def fit(
    train: Examples, validation: Examples, ahead: bool, recipe: Recipe, report: Callable[[int, dict[str, float]], bool]
) -> tuple[HumanizerNet, dict[str, float]]:
    """The network of the epoch with the least validation loss, and its losses [nats per hit].

    `report` gets the number of each epoch that is done and its losses, and says whether to go on.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    torch.manual_seed(recipe.seed)
    net = HumanizerNet(HumanizerSize(train.context.shape[1]))
    optimizer = torch.optim.AdamW(net.parameters(), recipe.rate, weight_decay=recipe.decay)
    steps = recipe.epochs * (len(train.context) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.rate, max(steps, 1), pct_start=0.1)
    best: tuple[float, dict[str, Tensor], dict[str, float]] | None = None
    for epoch in range(recipe.epochs):
        net.train()
        order = torch.randperm(len(train.context), generator=generator)
        for start in range(0, len(order) - recipe.batch + 1, recipe.batch):
            rows = order[start : start + recipe.batch]
            context = vary(train.context[rows], train.level[rows], ahead=ahead, generator=generator)
            history = train.history[rows]
            history = history + recipe.noise * torch.randn(history.shape, generator=generator)
            loss = sum(net.losses(context, history, train.offset[rows], train.targets[rows]), torch.zeros(()))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        losses = measure(net, validation)
        go_on = report(epoch + 1, losses)
        if best is None or losses["offset"] + losses["velocity"] < best[0]:
            best = losses["offset"] + losses["velocity"], copy.deepcopy(net.state_dict()), losses
        if not go_on:
            break
    if best is None:
        raise ValueError("a training of no epochs")
    net.load_state_dict(best[1])
    return net.eval(), best[2]


@torch.no_grad()
def measure(net: HumanizerNet, given: Examples) -> dict[str, float]:
    """Mean losses of a network [nats per hit]."""
    net.eval()
    sums = torch.zeros(2)
    for part in zip(*(column.split(4096) for column in given[:4]), strict=True):
        sums += torch.stack(net.losses(part[0].float(), *part[1:])) * len(part[0])
    offset, velocity = (sums / len(given.context)).tolist()
    return {"offset": offset, "velocity": velocity}


def train(
    performances: Sequence[Performance], folder: Path, minutes: float, report: Report, recipe: Recipe = Recipe()
) -> Path:
    """Train both networks on the performances of the split "train"; returns the checkpoint in `folder`.

    `minutes`: no epoch begins later than that after the start, shared between the networks; 0: the recipe's epochs.
    """
    began = time.perf_counter()
    networks: dict[str, object] = {}
    for number, (name, ahead) in enumerate(LOOKS.items(), 1):
        data, validation = (
            examples([p for p in performances if p.split == split], ahead=ahead) for split in ("train", "validation")
        )
        stop = began + minutes * 60 * number / len(LOOKS) if minutes else float("inf")

        def show(epoch: int, losses: dict[str, float], name: str = name) -> bool:
            _log.info("%s epoch %d: %s", name, epoch, losses)
            report(f"{name}, epoch {epoch}: " + ", ".join(f"{part} {value:.3f}" for part, value in losses.items()))
            return time.perf_counter() < stop  # noqa: B023 - called within this round only

        net, losses = fit(data, validation, ahead, recipe, show)
        networks[name] = {"state": net.state_dict(), "size": asdict(net.size), "losses": losses}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / CHECKPOINT
    torch.save({"networks": networks, "recipe": asdict(recipe), "seconds": time.perf_counter() - began}, path)
    return path


def load_checkpoint(path: Path) -> tuple[dict[str, HumanizerNet], dict[str, dict[str, float]], float]:
    """The networks of a checkpoint by name, their validation losses, and the seconds it took to train them."""
    table = torch.load(path, weights_only=True)
    nets: dict[str, HumanizerNet] = {}
    losses: dict[str, dict[str, float]] = {}
    for name, entry in table["networks"].items():
        nets[name] = HumanizerNet(HumanizerSize(**entry["size"])).eval()
        nets[name].load_state_dict(entry["state"])
        losses[name] = entry["losses"]
    return nets, losses, float(table["seconds"])
