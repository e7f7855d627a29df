"""Training of the humaniser: minutes on one core."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import torch

from drummers.humanizer.network import LOOKS
from ghostnote.errors import InputError, MissingError
from ghostnote.music.performance import Performance
from training.drummers.humanizer.data import Examples, examples, looking, loudness_of, vary
from training.drummers.humanizer.network import HumanizerNet, HumanizerSize

CHECKPOINT: Final = "best.pt"
Report = Callable[[str], object]
"""Takes one line for each epoch."""


@dataclass(frozen=True)
class HumanizerRecipe:
    """How the networks are trained."""

    epochs: int = 8
    batch: int = 512
    rate: float = 3e-3
    decay: float = 0.02
    noise: float = 0.1
    """Standard deviation of noise on what was played, which keeps drawn performances from running away."""
    seconds: float = 120.0
    """What is learnt from each take: its beginning, so that long takes do not outweigh the others."""
    seed: int = 0


def fit(
    train: Examples, validation: Examples, ahead: bool, recipe: HumanizerRecipe
) -> Iterator[tuple[HumanizerNet, int, dict[str, float]]]:
    """The network after every epoch, the epoch's number, and its validation losses [nats per hit].

    The learning rate falls to nothing over the epochs, so the last network is the best.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    torch.manual_seed(recipe.seed)
    net = HumanizerNet(HumanizerSize(train.context.shape[1]))
    optimizer = torch.optim.AdamW(net.parameters(), recipe.rate, weight_decay=recipe.decay)
    batches = len(train.context) // recipe.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.rate, max(recipe.epochs * batches, 2))
    for epoch in range(1, recipe.epochs + 1):
        net.train()
        for rows in torch.randperm(len(train.context), generator=generator).split(recipe.batch)[:batches]:
            context = vary(train.context[rows], train.level[rows], ahead=ahead, generator=generator)
            history = train.history[rows]
            history = history + recipe.noise * torch.randn(history.shape, generator=generator)
            loss = sum(net.losses(context, history, train.offset[rows], train.targets[rows]), torch.zeros(()))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        yield net, epoch, validation_losses(net, validation)


@torch.no_grad()
def validation_losses(net: HumanizerNet, given: Examples) -> dict[str, float]:
    """Mean losses of a network [nats per hit]."""
    net.eval()
    sums = torch.zeros(2)
    for part in zip(*(column.split(4096) for column in given[:4]), strict=True):
        sums += torch.stack(net.losses(part[0].float(), *part[1:])) * len(part[0])
    offset, velocity = (sums / len(given.context)).tolist()
    return {"offset": offset, "velocity": velocity}


def train(
    performances: Sequence[Performance],
    folder: Path,
    minutes: float,
    report: Report,
    recipe: HumanizerRecipe = HumanizerRecipe(),
) -> Path:
    """Train both networks on the performances of the split "train"; returns the checkpoint in `folder`.

    `minutes`: no epoch begins later than that after the start, shared between the networks; 0: the recipe's epochs.
    The checkpoint is written after every epoch.
    """
    began = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / CHECKPOINT
    takes = [p.between(0, min(p.duration, recipe.seconds)) for p in performances]
    data, check = (examples([p for p in takes if p.split == s], recipe.seed) for s in ("train", "validation"))
    loudness = loudness_of([p for p in performances if p.split == "train"])
    networks: dict[str, object] = {}
    for number, (name, ahead) in enumerate(LOOKS.items(), 1):
        stop = began + minutes * 60 * number / len(LOOKS) if minutes else float("inf")
        for net, epoch, losses in fit(looking(data, ahead=ahead), looking(check, ahead=ahead), ahead, recipe):
            report(f"{name}, epoch {epoch}: " + ", ".join(f"{part} {value:.3f}" for part, value in losses.items()))
            networks[name] = {
                "state": net.state_dict(),
                "size": asdict(net.size),
                "losses": losses,
                "epochs": epoch,
                "hits": len(data.offset),
            }
            seconds = time.perf_counter() - began
            kept = {"networks": networks, "recipe": asdict(recipe), "seconds": seconds, "loudness": loudness}
            torch.save(kept, path)
            if time.perf_counter() > stop:
                break
    return path


Loudness = list[tuple[float, float]]


def load_checkpoint(
    path: Path,
) -> tuple[dict[str, HumanizerNet], dict[str, dict[str, float]], float, dict[str, object], Loudness]:
    """The networks of a checkpoint by name, validation losses, seconds of training, epochs and hits, and loudness.

    Raises MissingError if there is none, InputError for one without both networks (a training cut short).
    """
    if not path.is_file():
        raise MissingError(f"no checkpoint {path}: train it with `ghostnote train-drummers humanizer`")
    table = torch.load(path, weights_only=True)
    if missing := [name for name in LOOKS if name not in table["networks"]]:
        raise InputError(f"{path} has no network {missing[0]!r}: the training was cut short, run it again")
    nets: dict[str, HumanizerNet] = {}
    losses: dict[str, dict[str, float]] = {}
    about: dict[str, object] = {"seconds_per_take": table["recipe"]["seconds"]}
    for name, entry in table["networks"].items():
        nets[name] = HumanizerNet(HumanizerSize(**entry["size"])).eval()
        nets[name].load_state_dict(entry["state"])
        losses[name] = entry["losses"]
        about |= {f"{name}_epochs": entry["epochs"], f"{name}_hits": entry["hits"]}
    return nets, losses, float(table["seconds"]), about, table["loudness"]
