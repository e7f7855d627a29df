"""From a recipe to a trainer: opens the pack, decodes the kits, builds the task."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ghostnote.errors import InputError
from training.codec_task import CodecTask
from training.data.pack import Pack
from training.data.strokes import StrokeSource, StrokeWindowConfig, load_strokes, save_strokes, strokes_of
from training.data.windows import BatchSource
from training.loop import Trainer
from training.paper_task import PaperTask, paper_source
from training.recipe import Recipe
from training.tasks import Task

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CodecSource:
    """Table [codec] of a predictor's recipe."""

    checkpoint: str = "runs/codec/best.safetensors"


@dataclass(frozen=True)
class StrokeData:
    """Table [strokes] of a codec recipe."""

    file: str = "runs/strokes.npz"
    """Made from the pack's recordings where it is absent: ten minutes, for the modes of each."""


def _codec(recipe: Recipe, pack: Pack) -> "_Parts":
    path = Path(recipe.table("strokes", StrokeData).file)
    if not path.exists():
        _log.info("finding the modes of all recordings of %d kits, once", len(pack.kits))
        save_strokes(path, list(strokes_of(pack.files)))
    strokes, window = load_strokes(path), recipe.table("window", StrokeWindowConfig)
    seen = StrokeSource([one for one in strokes if one.split == "train"], window)
    unseen = StrokeSource([one for one in strokes if one.split == "validation"], window, vary=False)
    return _Parts(CodecTask(recipe), seen, unseen, {"kits": sorted({one.kit for one in strokes})})


def _paper(recipe: Recipe, pack: Pack) -> "_Parts":
    names = list(recipe.run.kits) or pack.kits
    if missing := sorted(set(names) - set(pack.kits)):
        raise InputError(f"recipe {recipe.name} needs kit {missing[0]!r}; the pack has {', '.join(pack.kits)}")
    kits = [pack.kit(name) for name in names]
    codec = Path(recipe.table("codec", CodecSource).checkpoint)
    seen, unseen = (paper_source(recipe, codec, pack.performances((split,)), kits) for split in ("train", "validation"))
    return _Parts(PaperTask(recipe, len(kits), codec), seen, unseen, {"kits": [asdict(kit.info) for kit in kits]})


@dataclass(frozen=True)
class _Parts:
    task: Task
    seen: BatchSource
    unseen: BatchSource
    facts: dict[str, Any]


TASKS: dict[str, Callable[[Recipe, Pack], _Parts]] = {"codec": _codec, "paper": _paper}


def start(recipe: Recipe, pack_path: Path, folder: Path) -> Trainer:
    """A trainer ready to `fit`. Raises MissingError without the pack, InputError for kits it does not hold."""
    parts = TASKS[recipe.run.task](recipe, Pack(pack_path))
    return Trainer(recipe, parts.task, parts.seen, parts.unseen, folder, {**parts.facts, **parts.task.facts})
