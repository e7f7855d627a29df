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
    """Checkpoint of the codec that decodes the paper's codes."""
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


def opus(kilobits: int) -> Callable[[Sources], "Row"]:
    """The reference through Opus at so many kbit/s: what a codec for anything makes of it."""

    def row(sources: Sources) -> "Row":
        from evaluation.sound.opus import opus_round_trip
        from evaluation.sound.rows import Row

        reference = sampled(sources, REFERENCE_SEED)

        def render(performance: "Performance", kit: str, start: int, stop: int) -> "NDArray[np.float32]":
            return opus_round_trip(reference(performance, kit, start, stop), kilobits)

        return Row(f"opus-{kilobits}", render, f"the reference through Opus at {kilobits} kbit/s")

    return row


def oracle(sources: Sources) -> "Row":
    """The same strokes as the reference's, through the codec."""
    text = "the bundle playing the very strokes of the reference: what the codec alone loses"
    return bundle_row("oracle", sources, REFERENCE_SEED, text, in_depth=False)


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
    text = "the bundle through the renderer that plays live, taking other strokes (other round-robins)"
    return bundle_row("ours", sources, OTHER_SEED, text, in_depth=True)


def bundle_row(name: str, sources: Sources, seed: int, what: str, *, in_depth: bool) -> "Row":
    """A row of the bundle under test with the strokes of `seed`."""
    from evaluation.sound.rows import Row
    from ghostnote.files.bundle import bundle_folder
    from server.render.bundle import load_renderer
    from studies.sound.bundle import BundleRender

    renderer = load_renderer(bundle_folder(sources.bundle), seed=seed)
    text = f"{what}; {renderer.manifest.name}, {renderer.manifest.training.minutes:.0f} minutes of training"
    return Row(name, BundleRender(renderer), text, in_depth=in_depth)


def given(path: Path | None, option: str) -> Path:
    """The checkpoint that a row needs. Raises InputError, naming its option."""
    if path is None:
        raise InputError(f"this row needs a checkpoint: give --{option} PATH")
    return path


ROWS: Final[dict[str, Callable[[Sources], "Row"]]] = {
    "silence": silence,
    "sampler": sampler,
    "opus-12": opus(12),
    "opus-24": opus(24),
    "opus-48": opus(48),
    "oracle": oracle,
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
    try:
        bundle_folder(sources.bundle)
    except MissingError:
        if sources.bundle is not None:
            raise
        lacking |= {"oracle", "ours"}
    return [name for name in ROWS if name not in lacking]
