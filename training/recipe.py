"""A training recipe: one TOML file says what is trained, how long, on which windows; the same for CPU and GPU."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ghostnote.errors import InputError, MissingError
from ghostnote.files import schema as toml_reader

T = TypeVar("T")


@dataclass(frozen=True)
class RunConfig:
    """The run itself: table [run] of a recipe."""

    task: str
    """"codec" or "paper"."""
    steps: int
    batch: int
    """Windows per step and process."""
    learning_rate: float
    seed: int = 0
    warmup: int = 200
    """Steps of linear warm-up; cosine decay to a twentieth follows until `steps`."""
    schedule: str = "cosine"
    """"cosine", or "constant" as in the paper (no warm-up)."""
    weight_decay: float = 0.01
    clip: float = 1.0
    """Largest gradient norm."""
    ema: float = 0.999
    precision: str = "bf16-mixed"
    """As Lightning Fabric names it; bf16 runs on the tile units of recent CPUs, 9x the rate of fp32 (measured)."""
    workers: int = 1
    """Processes that mix windows."""
    save_every: int = 200
    validate_every: int = 500
    minutes: float = 0.0
    """Stop after this much training time, 0: no limit; the schedule then follows the time instead of the steps."""
    start_from: str = ""
    """Checkpoint whose weights a fresh run begins with (see `checkpoints.start_weights`), "": random ones."""
    kits: tuple[str, ...] = ()
    """Kits to train on, none named: all of the pack."""

    def __post_init__(self) -> None:
        if self.task not in ("codec", "paper"):
            raise InputError(f"recipe: task {self.task!r} is not known; use codec or paper")
        if self.steps < 1 or self.batch < 1:
            raise InputError("recipe: steps and batch must be at least 1")


@dataclass(frozen=True)
class Recipe:
    """A read recipe; the tables beside [run] belong to the task."""

    name: str
    run: RunConfig
    tables: dict[str, dict[str, Any]]

    def table(self, name: str, kind: type[T]) -> T:
        """Table [name] as the dataclass `kind`, defaults where it is absent."""
        return from_table(kind, self.tables.get(name, {}), f"recipe {self.name}, table [{name}]")


def from_table(kind: type[T], table: dict[str, Any], where: str) -> T:
    """`table` as the dataclass `kind`; an InputError that begins with `where` names what does not fit."""
    try:
        return toml_reader.from_table(kind, table)
    except toml_reader.TableError as error:
        raise InputError(f"{where}: {error}") from error


def load_recipe(path: Path) -> Recipe:
    """Read a recipe. Raises MissingError or InputError."""
    if not path.is_file():
        raise MissingError(f"no recipe {path}; those that ship are in training/recipes")
    try:
        tables = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"recipe {path} is not valid TOML: {error}") from error
    run = from_table(RunConfig, tables.pop("run", {}), f"recipe {path}, table [run]")
    return Recipe(path.stem, run, tables)
