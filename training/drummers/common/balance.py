"""How styles are spread over the Groove MIDI Dataset, and ways to spread them better.

The authors' own split stays the default everywhere: figures are comparable only on it. What is here makes a corpus for
other trainings. A file of the dataset is one performance, so whatever moves between splits moves whole.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.random import Generator

from evaluation.drummers.groups import GROUPS
from ghostnote.errors import InputError
from ghostnote.music.performance import Performance

SPLITS: Final = ("train", "validation", "test")
SHARES: Final = (0.8, 0.1, 0.1)
TEMPO_SPREAD: Final = 0.03
LOUDNESS_SPREAD: Final = 0.08
LATENESS_SPREAD: Final = 0.003
"""Standard deviations of a copy: tempo and velocities relative, times in seconds."""


def counts(performances: Sequence[Performance]) -> dict[str, Counter[str]]:
    """Performances by style, for every split."""
    found = {split: Counter[str]() for split in SPLITS}
    for performance in performances:
        found[performance.split][performance.style] += 1
    return found


def group_styles(performances: Sequence[Performance]) -> list[Performance]:
    """The performances with their style's group as the style (`evaluation.drummers.groups`)."""
    for performance in performances:
        if performance.style not in GROUPS:
            raise InputError(f"style {performance.style!r} of {performance.name} is in no group")
    return [replace(performance, style=GROUPS[performance.style]) for performance in performances]


def split_again(performances: Sequence[Performance], seed: int = 0) -> list[Performance]:
    """A stratified split: of every style and kind each split gets its share (0.8, 0.1, 0.1), within one performance."""
    rng = np.random.default_rng(seed)
    split_of: dict[int, str] = {}
    strata = sorted({(p.style, p.kind) for p in performances})
    for stratum in strata:
        members = [i for i, p in enumerate(performances) if (p.style, p.kind) == stratum]
        names = [
            split for split, count in zip(SPLITS, _apportion(len(members), rng), strict=True) for _ in range(count)
        ]
        split_of.update(zip(rng.permutation(members).tolist(), names, strict=True))
    return [replace(performance, split=split_of[i]) for i, performance in enumerate(performances)]


def _apportion(total: int, rng: Generator) -> list[int]:
    """Whole numbers within one of the shares that add up to `total`; remainders draw for what is left."""
    exact = np.array(SHARES) * total
    whole = np.floor(exact + 1e-9).astype(int)
    rest = exact - whole
    left = total - int(whole.sum())
    if left:
        lucky = rng.choice(len(SHARES), left, replace=False, p=np.maximum(rest, 1e-9) / np.maximum(rest, 1e-9).sum())
        whole[lucky] += 1
    return whole.tolist()


def over_sample(performances: Sequence[Performance], least: int, seed: int = 0) -> list[Performance]:
    """The performances and, of train styles with fewer than `least`, altered copies until there are so many.

    A copy differs in tempo (3 %), loudness (8 %) and timing (3 ms), standard deviations. Validation and test are left
    alone. Copies are named NAME+1, NAME+2...
    """
    rng = np.random.default_rng(seed)
    added: list[Performance] = []
    for style in sorted(counts(performances)["train"]):
        members = [p for p in performances if (p.split, p.style) == ("train", style)]
        added += [_altered(members[i % len(members)], i // len(members) + 1, rng) for i in range(least - len(members))]
    return [*performances, *added]


def under_sample(performances: Sequence[Performance], most: int, seed: int = 0) -> list[Performance]:
    """The performances with at most `most` of each style in train, drawn at random; the order is kept."""
    rng = np.random.default_rng(seed)
    dropped: set[int] = set()
    for style, count in sorted(counts(performances)["train"].items()):
        members = [i for i, p in enumerate(performances) if (p.split, p.style) == ("train", style)]
        dropped.update(rng.permutation(members)[most:].tolist() if count > most else [])
    return [performance for i, performance in enumerate(performances) if i not in dropped]


def _altered(performance: Performance, number: int, rng: Generator) -> Performance:
    pace = float(np.exp(rng.normal(0, TEMPO_SPREAD)))
    hits, openness, chokes = (a.copy() for a in (performance.hits, performance.openness, performance.chokes))
    for array in (hits, openness, chokes):
        array["time"] /= pace
    hits["time"] = np.maximum(0, hits["time"] + rng.normal(0, LATENESS_SPREAD, len(hits)))
    hits["velocity"] = np.clip(hits["velocity"] * np.exp(rng.normal(0, LOUDNESS_SPREAD)), 1 / 127, 1)
    hits = hits[np.argsort(hits["time"], kind="stable")]
    return replace(
        performance, hits=hits, openness=openness, chokes=chokes, bpm=performance.bpm * pace,
        duration=max(performance.duration / pace, *hits["time"][-1:].tolist()), name=f"{performance.name}+{number}",
    )  # fmt: skip


def save_histograms(path: Path, panels: Sequence[tuple[str, Sequence[Performance]]]) -> None:
    """A PNG with the performances per style and split, one panel per (title, performances). Needs matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 2.6 * len(panels)), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    for axis, (title, performances) in zip(figure.subplots(len(panels), 1, squeeze=False)[:, 0], panels, strict=True):
        table = counts(performances)
        styles = sorted({p.style for p in performances})
        below = np.zeros(len(styles))
        for split in SPLITS:
            heights = np.array([table[split][style] for style in styles])
            axis.bar(styles, heights, bottom=below, label=f"{split} {heights.sum()}")
            below += heights
        axis.set_title(title, fontsize=9)
        axis.tick_params(axis="x", labelrotation=45, labelsize=7)
        axis.set_ylabel("performances", fontsize=8)
        axis.legend(fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.print_png(str(path))
