"""From a recipe to a trainer: opens the pack, decodes the kits, builds the task."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ghostnote.errors import InputError
from training.data.pack import Pack
from training.data.windows import WindowConfig, WindowSource
from training.loop import Trainer
from training.recipe import Recipe
from training.tasks import CodecTask, Task

DRUMMERS = 11
"""Drummer embeddings: 0 unknown, 1..10 those of the Groove MIDI Dataset."""


def _codec(recipe: Recipe, _kits: int) -> Task:
    return CodecTask(recipe)


TASKS: dict[str, Callable[[Recipe, int], Task]] = {"codec": _codec}


def start(recipe: Recipe, pack_path: Path, folder: Path) -> Trainer:
    """A trainer ready to `fit`. Raises MissingError without the pack, InputError for kits it does not hold."""
    pack = Pack(pack_path)
    names = list(recipe.run.kits) or pack.kits
    if missing := sorted(set(names) - set(pack.kits)):
        raise InputError(f"recipe {recipe.name} asks for kit {missing[0]!r}; {pack_path} holds {', '.join(pack.kits)}")
    config = recipe.table("window", WindowConfig)
    task = TASKS[recipe.run.task](recipe, len(names))
    kits = [pack.kit(name) for name in names]
    unseen = WindowSource(pack.performances(("validation",)), kits, replace(config, drill_share=0.0, solo_share=0.0))
    infos: list[dict[str, Any]] = [asdict(kit.info) for kit in kits]
    return Trainer(recipe, task, WindowSource(pack.performances(), kits, config), unseen, folder, {"kits": infos})
