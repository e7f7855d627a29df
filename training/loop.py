"""The one training loop: CPU, one GPU or many through Lightning Fabric; resumable to the step.

A run has a folder: `last.ckpt` (everything needed to resume), `best.safetensors` (averaged weights with the lowest
validation loss, with their configuration and measures as metadata), `events*` (TensorBoard: losses, measures, audio,
spectrograms), `log.csv`.
"""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import cos, pi
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import DataLoader

from training.checkpoints import start_weights
from training.data.windows import BatchSource, WindowStream
from training.ema import WeightAverage
from training.recipe import Recipe, RunConfig
from training.run_files import load_state, log_row, save_state
from training.samples import SampleWriter
from training.tasks import Logs, Task

Progress = Callable[[int, int, Logs], None]
_log = logging.getLogger(__name__)


def rate_factor(run: RunConfig, step: int, seconds: float) -> float:
    """Learning-rate factor 0..1 of a step that begins after `seconds` of training."""
    if run.schedule == "constant":
        return 1.0
    done = seconds / (60 * run.minutes) if run.minutes else step / run.steps
    return min(1.0, (step + 1) / run.warmup) * (0.05 + 0.95 * 0.5 * (1 + cos(pi * min(1.0, done))))


@dataclass
class Trainer:
    """One run of one task."""

    recipe: Recipe
    task: Task
    source: BatchSource
    unseen: BatchSource
    folder: Path
    metadata: dict[str, Any]
    """Written with the weights: kits, drummers, configuration."""
    seconds: float = 0.0
    step: int = 0
    best: float = float("inf")

    def fit(self, progress: Progress) -> Path:
        """Train to the end of the recipe, resuming from `last.ckpt` if there is one; returns the best weights' path."""
        run = self.recipe.run
        self.folder.mkdir(parents=True, exist_ok=True)
        self.fabric = Fabric(accelerator="auto", precision=run.precision)  # type: ignore[arg-type]
        self.fabric.launch()
        self.optimizers = self.task.prepare(self.fabric, run.learning_rate, run.weight_decay)
        if run.start_from:
            self.task.network.load_state_dict(start_weights(Path(run.start_from), self.task.network), strict=False)
        self.average = WeightAverage(self.task.network, run.ema)
        random_state = self._resume()
        batches = iter(self._loader())
        if random_state is not None:  # opening the loader draws a number
            torch.set_rng_state(random_state)
        check = self.fabric.to_device(self.unseen.batch(run.seed + 1, 0, 2 * run.batch))
        writer = SampleWriter(self.folder, self.source.sample_rate)
        started = time.monotonic() - self.seconds
        while self.step < run.steps and not self._out_of_time():
            for optimizer in self.optimizers:
                for group in optimizer.param_groups:
                    factor = rate_factor(run, self.step, self.seconds)
                    group["lr"] = run.learning_rate * group.get("share", 1.0) * factor
            batch = self.fabric.to_device(next(batches))
            logs = self.task.step(self.fabric, batch, self.step, run.clip)
            self.average.update(self.task.network)
            self.step += 1
            self.seconds = time.monotonic() - started
            progress(self.step, run.steps, logs)
            done = self.step == run.steps or self._out_of_time()
            if self.step % 20 == 0:
                writer.scalars("train", logs, self.step)
            if self.step % run.validate_every == 0 or done:
                self._validate(check, writer)
            if self.step % run.save_every == 0 or done:
                self._save()
        return self.folder / "best.safetensors"

    def _out_of_time(self) -> bool:
        return 0 < 60 * self.recipe.run.minutes <= self.seconds

    def _loader(self) -> DataLoader[Any]:
        run, fabric = self.recipe.run, self.fabric
        stream = WindowStream(self.source, run.seed, run.batch, self.step, fabric.global_rank, fabric.world_size)
        # One process keeps the order of steps; more would interleave and change what a resumed run sees.
        return DataLoader(
            stream, batch_size=None, num_workers=min(1, run.workers), prefetch_factor=4 if run.workers else None
        )

    def _validate(self, batch: Any, writer: SampleWriter) -> None:
        network = self.task.network
        self.average.swap(network)
        network.eval()
        logs, rendered = self.task.validate(batch)
        network.train()
        writer.scalars("unseen", logs, self.step)
        writer.audio(rendered, batch.audio, self.step)
        log_row(self.folder, self.step, self.seconds, logs)
        if logs["loss"] < self.best:
            self.best = logs["loss"]
            self._save_best(logs)
        self.average.swap(network)

    def _save_best(self, logs: Logs) -> None:
        facts = {
            **self.metadata,
            "step": self.step,
            "minutes": round(self.seconds / 60, 1),
            "measures": logs,
            "run": asdict(self.recipe.run),
            "recipe": self.recipe.name,
            "tables": self.recipe.tables,
        }
        weights = {k: v.detach().cpu().contiguous() for k, v in self.task.network.state_dict().items()}
        save_file(weights, self.folder / "best.safetensors", {"ghostnote": json.dumps(facts)})

    def _save(self) -> None:
        state = {
            "network": self.task.network.state_dict(),
            "extra": self.task.extra.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "average": self.average.values,
            "updates": self.average.updates,
            "step": self.step,
            "seconds": self.seconds,
            "best": self.best,
            "rng": torch.get_rng_state(),
        }
        save_state(self.folder, state)

    def _resume(self) -> Tensor | None:
        """Resume from `last.ckpt`; returns its random state, None without a checkpoint."""
        state = load_state(self.folder)
        if state is None:
            return None
        self.task.network.load_state_dict(state["network"])
        self.task.extra.load_state_dict(state["extra"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        for name, value in state["average"].items():
            self.average.values[name].copy_(value)
        self.average.updates = state["updates"]
        self.step, self.seconds, self.best = state["step"], state["seconds"], state["best"]
        _log.info("resuming from step %d of %s", self.step, self.folder)
        return state["rng"]
