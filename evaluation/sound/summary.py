"""From scores of single windows to estimates with intervals, per row and per kit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from evaluation.bootstrap import Estimate, mean_interval, paired_interval
from evaluation.sound.dynamics import Dynamics
from evaluation.sound.fad import Fad, measure_fad
from evaluation.sound.joins import Joins
from evaluation.sound.rows import REFERENCE, WindowScore

ALL: Final = "all"
"""Name that stands for all kits together."""


@dataclass(frozen=True)
class Study:
    """All that was measured in one run."""

    rows: Mapping[str, str]
    """Name of every row but the reference -> what it is."""
    scores: Sequence[WindowScore]
    settings: dict[str, str]
    """What was measured how, on which machine; shown above the tables in this order."""
    dynamics: dict[tuple[str, str], list[Dynamics]] = field(default_factory=dict)
    """(row, kit) -> one entry per lane."""
    joins: dict[tuple[str, str], Joins] = field(default_factory=dict)
    """(row, kit) -> joins of one performance."""

    @property
    def names(self) -> list[str]:
        """The reference and all rows, in order."""
        return [REFERENCE, *self.rows]

    @property
    def kits(self) -> list[str]:
        """Kits in the order measured."""
        return list(dict.fromkeys(score.kit for score in self.scores))

    @property
    def measures(self) -> list[str]:
        """Names of the measures of single windows."""
        return list(self.scores[0].values)

    def of(self, row: str, kit: str = ALL) -> list[WindowScore]:
        """Scores of one row, in the order of the windows, which is the same for every row."""
        return [s for s in self.scores if s.row == row and kit in (ALL, s.kit)]

    def estimate(self, row: str, measure: str, kit: str = ALL) -> Estimate:
        """Mean of a measure over windows with its interval over performances."""
        scores = self.of(row, kit)
        return mean_interval([s.values[measure] for s in scores], [s.performance for s in scores])

    def difference(self, row: str, other: str, measure: str) -> Estimate:
        """Mean of `row - other` over the same windows with its interval over performances."""
        ours, theirs = self.of(row), self.of(other)
        return paired_interval(
            [s.values[measure] for s in ours], [s.values[measure] for s in theirs], [s.performance for s in ours]
        )

    def fad(self, row: str) -> Fad:
        """Frechet distance of a row's embeddings to the reference's, all kits together."""
        ours, truth = self.of(row), self.of(REFERENCE)
        names = [s.performance for s in truth for _ in s.vectors]
        return measure_fad(np.concatenate([s.vectors for s in truth]), np.concatenate([s.vectors for s in ours]), names)
