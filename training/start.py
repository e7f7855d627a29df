"""From a recipe to a trainer: opens the pack, decodes the kits, builds the task."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ghostnote.errors import InputError
from ghostnote.music.performance import Performance
from sampler.kit import Kit
from training.data.pack import Pack
from training.data.windows import BatchSource, WindowConfig, WindowSource
from training.live_task import LiveTask
from training.loop import Trainer
from training.paper_task import PaperTask, paper_source
from training.recipe import Recipe
from training.tasks import CodecTask, Task


@dataclass(frozen=True)
class CodecSource:
    """Table [codec] of a predictor's recipe."""

    checkpoint: str = "runs/codec_cpu/best.safetensors"


def _codec(recipe: Recipe, _kits: Sequence[Kit]) -> Task:
    return CodecTask(recipe)


def _live(recipe: Recipe, kits: Sequence[Kit]) -> Task:
    return LiveTask(recipe, kits, Path(recipe.table("codec", CodecSource).checkpoint))


def _paper(recipe: Recipe, kits: Sequence[Kit]) -> Task:
    return PaperTask(recipe, len(kits), Path(recipe.table("codec", CodecSource).checkpoint))


def _windows(recipe: Recipe, performances: Sequence[Performance], kits: Sequence[Kit], unseen: bool) -> BatchSource:
    config = recipe.table("window", WindowConfig)
    return WindowSource(
        performances, kits, replace(config, drill_share=0.0, solo_share=0.0, tail_share=0.0) if unseen else config
    )


def _paper_windows(
    recipe: Recipe, performances: Sequence[Performance], kits: Sequence[Kit], _unseen: bool
) -> BatchSource:
    return paper_source(recipe, Path(recipe.table("codec", CodecSource).checkpoint), performances, kits)


TASKS: dict[str, Callable[[Recipe, Sequence[Kit]], Task]] = {"codec": _codec, "live": _live, "paper": _paper}
SOURCES: dict[str, Callable[[Recipe, Sequence[Performance], Sequence[Kit], bool], BatchSource]] = {
    "paper": _paper_windows
}
"""Tasks with windows of their own; the others share `WindowSource`."""


def start(recipe: Recipe, pack_path: Path, folder: Path) -> Trainer:
    """A trainer ready to `fit`. Raises MissingError without the pack, InputError for kits it does not hold."""
    pack = Pack(pack_path)
    names = list(recipe.run.kits) or pack.kits
    if missing := sorted(set(names) - set(pack.kits)):
        raise InputError(f"recipe {recipe.name} needs kit {missing[0]!r}; {pack_path} has {', '.join(pack.kits)}")
    kits = [pack.kit(name) for name in names]
    task = TASKS[recipe.run.task](recipe, kits)
    source = SOURCES.get(recipe.run.task, _windows)
    seen, unseen = (source(recipe, pack.performances((s,)), kits, s != "train") for s in ("train", "validation"))
    infos: list[dict[str, Any]] = [asdict(kit.info) for kit in kits]
    return Trainer(recipe, task, seen, unseen, folder, {"kits": infos, **task.facts})
