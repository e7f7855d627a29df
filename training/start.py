"""From a recipe to a trainer: opens the pack, decodes the kits, builds the task."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ghostnote.errors import InputError
from training.data.pack import Pack
from training.data.windows import WindowConfig, WindowSource
from training.live_task import LiveTask
from training.loop import Trainer
from training.recipe import Recipe
from training.tasks import CodecTask, Task


@dataclass(frozen=True)
class CodecSource:
    """Table [codec] of a predictor's recipe."""

    checkpoint: str = "runs/codec_cpu/best.safetensors"


def _codec(recipe: Recipe, _kits: int) -> Task:
    return CodecTask(recipe)


def _live(recipe: Recipe, kits: int) -> Task:
    return LiveTask(recipe, kits, Path(recipe.table("codec", CodecSource).checkpoint))


TASKS: dict[str, Callable[[Recipe, int], Task]] = {"codec": _codec, "live": _live}


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
    return Trainer(
        recipe, task, WindowSource(pack.performances(), kits, config), unseen, folder, {"kits": infos, **task.facts}
    )
