"""The rows that `ghostnote evaluate` knows: what each is made from. A new row is a function and a line in `ROWS`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from evaluation.rows import Render, Row
    from ghostnote.performance import Performance
    from sampler.kit import Kit

RATE: Final = 48000
REFERENCE_SEED: Final = 0
OTHER_SEED: Final = 1


@dataclass(frozen=True)
class Sources:
    """What rows are made from."""

    kits: Path
    """Folder of the sampled kits."""
    bundle: str | None
    """Name or folder of the bundle under test."""


@lru_cache(maxsize=2)
def kit_of(folder: Path) -> "Kit":
    """A sampled kit, kept while it is in use: callers go kit by kit."""
    from sampler.kit import load_kit

    return load_kit(folder, RATE)


def sampled(sources: Sources, seed: int) -> "Render":
    """The sampled kits, mixed with the round-robins of `seed`."""
    from sampler.mix import mix

    def render(performance: "Performance", kit: str, start: int, stop: int) -> "NDArray[np.float32]":
        return mix(kit_of(sources.kits / kit), performance, seed=seed, start=start / RATE, frames=stop - start)

    return render


def silence(sources: Sources) -> "Row":
    """Nothing at all."""
    import numpy as np

    from evaluation.rows import Row

    def render(performance: "Performance", kit: str, start: int, stop: int) -> "NDArray[np.float32]":
        return np.zeros((stop - start, 2), np.float32)

    return Row("silence", render, "no sound at all: what a measure gives for nothing")


def sampler(sources: Sources) -> "Row":
    """The reference's own renderer with other round-robins."""
    from evaluation.rows import Row

    text = "the renderer of the reference itself, taking other recordings of the same strokes (other round-robins)"
    return Row("sampler", sampled(sources, OTHER_SEED), text, in_depth=True)


ROWS: Final[dict[str, Callable[[Sources], "Row"]]] = {"silence": silence, "sampler": sampler}
"""Every row that can be asked for, in the order of the tables. `evaluation.targets` knows the names silence, sampler,
oracle and base."""
