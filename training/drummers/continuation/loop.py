"""Training of the continuation network on the Groove MIDI Dataset; resumable.

A run folder holds `last.ckpt` (all that is needed to resume), `best.safetensors` (averaged weights with the lowest
validation loss; configuration and measures in its metadata) and `log.csv`.
"""

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from math import cos, pi
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from drummers.common.styles import STYLES
from drummers.common.tokens import OFFSETS, VELOCITIES
from drummers.continuation.features import END
from ghostnote.music.performance import Performance
from training.checkpoints import read_weights
from training.drummers.continuation.data import NO_TARGET, ContinuationBatch, Windows, takes_of
from training.drummers.continuation.network import ContinuationConfig, ContinuationNet
from training.ema import WeightAverage
from training.run_files import load_state, log_row, save_state

BEST: Final = "best.safetensors"
PARTS: Final = ("shift", "lane", "offset", "velocity")
_SHARE: Final = {"shift": 1.0, "lane": 1.0, "offset": 0.5, "velocity": 0.5}
Progress = Callable[[int, float, dict[str, float]], None]
"""Called with step, share of the time that has passed, losses."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainConfig:
    """How long and how."""

    minutes: float = 25.0
    batch: int = 16
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.05
    warmup: int = 100
    ema: float = 0.995
    validate_every: int = 200
    seed: int = 1
    network: ContinuationConfig = field(default_factory=ContinuationConfig)


def losses(net: ContinuationNet, batch: ContinuationBatch) -> dict[str, Tensor]:
    """Mean cross-entropy [nats per target] of each part of the next token, weighted by `batch.weight`."""
    hidden = net(batch.fields, batch.time, batch.echo, net.no_past(1), net.no_past(len(batch.fields)))
    shift = batch.shift.clamp(0, END - 1)
    lane = net.lane(hidden.state, shift, batch.echo_next)
    feel = net.feel(hidden.state, shift, batch.lane.clamp(min=0), batch.near)
    logits = dict(zip(PARTS, (hidden.shift, lane, *feel.split([OFFSETS, VELOCITIES], -1)), strict=True))
    out: dict[str, Tensor] = {}
    for name in PARTS:
        target: Tensor = getattr(batch, name)
        each = F.cross_entropy(logits[name].transpose(1, 2), target, ignore_index=NO_TARGET, reduction="none")
        weight = batch.weight * (target != NO_TARGET)
        out[name] = (each * weight).sum() / weight.sum().clamp(min=1)
    return out


@dataclass
class Run:
    """A training run in `folder`."""

    config: TrainConfig
    folder: Path
    step: int = 0
    seconds: float = 0.0
    best: float = float("inf")

    def fit(self, performances: Sequence[Performance], progress: Progress) -> Path:
        """Train on split "train", validate on "validation"; resumes from last.ckpt. Returns the best weights."""
        c = self.config
        self.folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(c.seed)
        self.net = ContinuationNet(c.network)
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), c.learning_rate, betas=(0.9, 0.98), weight_decay=c.weight_decay
        )
        self.average = WeightAverage(self.net, c.ema)
        self._resume()
        train, unseen = (
            Windows(takes_of([p for p in performances if p.split == split]), c.batch, vary=split == "train")
            for split in ("train", "validation")
        )
        check = [batch for step in range(3) for batch in unseen.batches(c.seed, step)]
        begun = time.monotonic() - self.seconds
        while self.seconds < 60 * c.minutes:
            for batch in train.batches(c.seed + 1, self.step // 4)[self.step % 4 :]:
                logs = self._step(batch)
                self.seconds = time.monotonic() - begun
                progress(self.step, self.seconds / (60 * c.minutes), logs)
                if self.step % c.validate_every == 0:
                    self._validate(check)
        self._validate(check)
        return self.folder / BEST

    def _step(self, batch: ContinuationBatch) -> dict[str, float]:
        c = self.config
        done = min(1.0, self.seconds / (60 * c.minutes))
        rate = c.learning_rate * min(1.0, (self.step + 1) / c.warmup) * (0.02 + 0.98 * 0.5 * (1 + cos(pi * done)))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        parts = losses(self.net, batch)
        self.optimizer.zero_grad()
        torch.stack([_SHARE[name] * loss for name, loss in parts.items()]).sum().backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self.average.update(self.net)
        self.step += 1
        return {name: float(loss.detach()) for name, loss in parts.items()}

    def _validate(self, check: Sequence[ContinuationBatch]) -> None:
        self.average.swap(self.net)
        self.net.eval()
        with torch.no_grad():
            rows = [losses(self.net, batch) for batch in check]
        logs = {name: float(torch.stack([row[name] for row in rows]).mean()) for name in PARTS}
        total = sum(_SHARE[name] * logs[name] for name in PARTS)
        log_row(self.folder, self.step, self.seconds, logs | {"total": total})
        if total < self.best:
            self.best = total
            self._save_best(logs)
        self.net.train()
        self.average.swap(self.net)
        self._save()

    def _save_best(self, logs: dict[str, float]) -> None:
        facts = {
            "kind": "continuation",
            "network": asdict(self.config.network),
            "run": {k: v for k, v in asdict(self.config).items() if k != "network"},
            "styles": list(STYLES),
            "step": self.step,
            "minutes": round(self.seconds / 60, 1),
            "validation": {f"{name}_nats": round(value, 4) for name, value in logs.items()},
        }
        weights = {k: v.detach().clone().contiguous() for k, v in self.net.state_dict().items()}
        save_file(weights, self.folder / BEST, {"ghostnote": json.dumps(facts)})

    def _save(self) -> None:
        state = {
            "network": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.values,
            "counts": (self.average.updates, self.step, self.seconds, self.best),
            "rng": torch.get_rng_state(),
        }
        save_state(self.folder, state)

    def _resume(self) -> None:
        state = load_state(self.folder)
        if state is None:
            return
        self.net.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name, value in state["average"].items():
            self.average.values[name].copy_(value)
        self.average.updates, self.step, self.seconds, self.best = state["counts"]
        torch.set_rng_state(state["rng"])
        _log.info("resuming from step %d of %s", self.step, self.folder)


def load_net(path: Path) -> ContinuationNet:
    """The network of best.safetensors, in evaluation mode."""
    tensors, facts = read_weights(path)
    net = ContinuationNet(ContinuationConfig(**facts["network"]))
    net.load_state_dict(tensors)
    return net.eval()
