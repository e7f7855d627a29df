"""`ghostnote train`: one recipe, one run folder, resumable."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from training.tasks import Logs


def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe, such as training/recipes/codec.toml.")],
    pack: Annotated[Path, typer.Option(help="Packed training set of `ghostnote data pack`.")] = Path("out/train.npz"),
    runs: Annotated[Path, typer.Option(help="Folder of run folders; the run's is named after the recipe.")] = Path(
        "runs"
    ),
    batch: Annotated[int, typer.Option(help="Windows per step, 0: the recipe's.")] = 0,
    minutes: Annotated[float, typer.Option(help="Training time in minutes, 0: the recipe's.")] = 0.0,
    threads: Annotated[int, typer.Option(help="CPU threads of torch, 0: its own choice.")] = 0,
) -> None:
    """Train a codec or predictor; an interrupted run resumes from its last checkpoint."""
    import torch
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from server.system.malloc import keep_freed_memory
    from training.recipe import load_recipe
    from training.start import start

    keep_freed_memory(one_arena=True)
    if threads:
        torch.set_num_threads(threads)
    plan = load_recipe(recipe)
    changes = {"batch": batch or plan.run.batch, "minutes": minutes or plan.run.minutes}
    plan = replace(plan, run=replace(plan.run, **changes))
    trainer = start(plan, pack, runs / plan.name)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[losses]}")) as bar:
        job = bar.add_task(plan.name, total=plan.run.steps, losses="")

        def show(step: int, steps: int, logs: "Logs") -> None:
            total = int(step * plan.run.minutes * 60 / max(trainer.seconds, 1)) if plan.run.minutes else steps
            text = " ".join(f"{k} {v:.3f}" for k, v in logs.items())
            bar.update(job, completed=step, total=max(total, step), losses=text)

        best = trainer.fit(show)
    Console().print(f"{best}: {trainer.step} steps in {trainer.seconds / 60:.1f} minutes, best loss {trainer.best:.4f}")
