"""How measured properties follow a knob."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from evaluation.bootstrap import Estimate, mean_interval


@dataclass(frozen=True)
class Response:
    """What was measured at each setting of a knob."""

    settings: tuple[float, ...]
    measured: tuple[Estimate, ...]
    correlation: float
    """Spearman's, of single grooves with the setting; 1: every turn up is heard."""
    rising: bool
    """Whether the mean rises with every step."""


def response(settings: Sequence[float], measured: Sequence[Sequence[float]], sources: Sequence[str]) -> Response:
    """The response to a knob: `measured[i][j]` at setting i for the request `sources[j]`; NaN where undefined."""
    table = np.asarray(measured, np.float64)
    turned = np.repeat(np.asarray(settings, np.float64), table.shape[1])
    valid = ~np.isnan(table.ravel())
    correlation = float(np.corrcoef(rankdata(turned[valid]), rankdata(table.ravel()[valid]))[0, 1])
    means = np.nanmean(table, axis=1)
    estimates = tuple(mean_interval(row, sources) for row in table)
    return Response(tuple(settings), estimates, correlation, bool(np.all(np.diff(means) > 0)))
