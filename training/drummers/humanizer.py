"""Training of the humaniser: minutes on one core."""

import copy
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from drummers.humanizer_network import LOOKS
from ghostnote.performance import Performance
from training.drummers.humanizer_data import Examples, examples, vary
from training.drummers.humanizer_net import HumanizerNet, HumanizerSize

_log = logging.getLogger(__name__)
Report = Callable[[str, int, int, dict[str, float]], None]
"""Called after each epoch with the network's name, the epoch, how many there are, and the losses."""


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
    train: Examples, validation: Examples, ahead: bool, recipe: Recipe, report: Callable[[int, dict[str, float]], None]
) -> tuple[HumanizerNet, dict[str, float]]:
    """The network of the epoch with the least validation loss, and its losses [nats per hit]."""
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
        report(epoch + 1, losses)
        if best is None or losses["offset"] + losses["velocity"] < best[0]:
            best = losses["offset"] + losses["velocity"], copy.deepcopy(net.state_dict()), losses
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


def train_humanizer(
    performances: Sequence[Performance], folder: Path, recipe: Recipe = Recipe(), report: Report | None = None
) -> Path:
    """Train both networks on the performances of the split "train"; returns the checkpoint in `folder`."""
    began = time.perf_counter()
    torch.set_num_threads(1)
    networks: dict[str, object] = {}
    for name, ahead in LOOKS.items():
        train, validation = (
            examples([p for p in performances if p.split == split], ahead=ahead) for split in ("train", "validation")
        )

        def show(epoch: int, losses: dict[str, float], name: str = name) -> None:
            _log.info("%s epoch %d: %s", name, epoch, losses)
            if report:
                report(name, epoch, recipe.epochs, losses)

        net, losses = fit(train, validation, ahead, recipe, show)
        networks[name] = {"state": net.state_dict(), "size": asdict(net.size), "losses": losses}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "best.pt"
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
