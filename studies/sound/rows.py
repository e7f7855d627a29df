"""The rows of `ghostnote evaluate`. A new row is a function and a line in `ROWS`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ghostnote.errors import InputError, MissingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from evaluation.sound.rows import Render, Row
    from ghostnote.music.performance import Performance
    from sampler.kit import Kit

RATE: Final = 48000
REFERENCE_SEED: Final = 0
OTHER_SEED: Final = 1


@dataclass(frozen=True)
class Sources:
    """What rows are made from."""

    kits: Path
    """Folder of the sampled kits."""
    bundle: str | None = None
    """Name or folder of the bundle under test."""
    checkpoint: Path | None = None
    """Checkpoint whose codec is the oracle and decodes the paper's codes."""
    base: Path | None = None
    base_grid: Path | None = None


@lru_cache(maxsize=32)
def kit_of(folder: Path) -> "Kit":
    """A sampled kit, kept: it is decoded once (about 60 MB)."""
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

    from evaluation.sound.rows import Row

    def render(performance: "Performance", kit: str, start: int, stop: int) -> "NDArray[np.float32]":
        return np.zeros((stop - start, 2), np.float32)

    return Row("silence", render, "no sound at all: the value of each measure for silence")


def sampler(sources: Sources) -> "Row":
    """The reference's own renderer with other round-robins."""
    from evaluation.sound.rows import Row

    text = "the renderer of the reference itself, taking other recordings of the same strokes (other round-robins)"
    return Row("sampler", sampled(sources, OTHER_SEED), text, in_depth=True)


def oracle(sources: Sources) -> "Row":
    """What the codec makes of the reference."""
    from evaluation.sound.rows import Row
    from studies.sound.checkpoints import oracle_render

    text = "the reference through the codec of the bundle, encoded and decoded: the best a predictor could do with it"
    return Row("oracle", oracle_render(given(sources.checkpoint, "checkpoint"), sampled(sources, REFERENCE_SEED)), text)


def oracle_pieces(sources: Sources) -> "Row":
    """What the codec makes of the reference's pieces, one by one."""
    from evaluation.sound.rows import Row
    from studies.sound.checkpoints import oracle_render

    reference = sampled(sources, REFERENCE_SEED)
    render = oracle_render(given(sources.checkpoint, "checkpoint"), reference, by_piece=True)
    text = "the same, each piece through the codec by itself and added up, as ours plays"
    return Row("oracle-pieces", render, text)


def base(sources: Sources) -> "Row":
    """The paper's recipe."""
    return paper_row(
        "base", "the paper's recipe Base (grid, network, training, argmax)", given(sources.base, "base"), sources
    )


def base_grid(sources: Sources) -> "Row":
    """The paper's network with our grid."""
    return paper_row(
        "base-grid", "Base with our grid in place of the paper's", given(sources.base_grid, "base-grid"), sources
    )


def paper_row(name: str, what: str, path: Path, sources: Sources) -> "Row":
    """A row of the paper's network on our codec's codes."""
    from evaluation.sound.rows import Row
    from studies.sound.checkpoints import PaperModel, trained

    model = PaperModel(path, given(sources.checkpoint, "checkpoint"), sampled(sources, REFERENCE_SEED))
    text = f"{what} on the same codec, kits and performances; {trained(path)}"
    return Row(name, model.render, text, codes=model.codes)


def ours(sources: Sources) -> "Row":
    """The bundle through the renderer that plays live."""
    from evaluation.sound.rows import Row
    from ghostnote.files.bundle import bundle_folder
    from server.render.renderer import load_renderer
    from studies.sound.bundle import BundleRender

    renderer = load_renderer(bundle_folder(sources.bundle))
    training = renderer.manifest.training
    steps = ", ".join(f"{network} {count:.0f} steps" for network, count in training.steps.items())
    text = (
        f"bundle {renderer.manifest.name} through the renderer that plays live; {steps}, {training.minutes:.0f} minutes"
    )
    codes = None
    if sources.checkpoint is not None:
        from studies.sound.checkpoints import live_codes

        codes = live_codes(sources.checkpoint, sampled(sources, REFERENCE_SEED))
    return Row("ours", BundleRender(renderer), text, codes, in_depth=True)


def given(path: Path | None, option: str) -> Path:
    """The checkpoint that a row needs. Raises InputError, naming its option."""
    if path is None:
        raise InputError(f"this row needs a checkpoint: give --{option} PATH")
    return path


ROWS: Final[dict[str, Callable[[Sources], "Row"]]] = {
    "silence": silence,
    "sampler": sampler,
    "oracle": oracle,
    "oracle-pieces": oracle_pieces,
    "base": base,
    "base-grid": base_grid,
    "ours": ours,
}
"""Every row that can be asked for, in the order of the tables. `evaluation.sound.targets` knows the names silence,
sampler, oracle and base."""


def possible(sources: Sources) -> list[str]:
    """The rows whose checkpoint or bundle is there."""
    from ghostnote.files.bundle import bundle_folder

    networks = {"base": sources.base, "base-grid": sources.base_grid}
    lacking = {name for name, path in networks.items() if path is None or sources.checkpoint is None}
    if sources.checkpoint is None:
        lacking |= {"oracle", "oracle-pieces"}
    try:
        bundle_folder(sources.bundle)
    except MissingError:
        if sources.bundle is not None:
            raise
        lacking.add("ours")
    return [name for name in ROWS if name not in lacking]
