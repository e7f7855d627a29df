"""Pictures for the page of the drummers."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from evaluation.drummers.knobs import Response


def save_responses(path: Path, responses: Mapping[str, tuple[Response, str]]) -> None:
    """Curves with their intervals side by side: name of the knob -> its response and the measure's name."""
    figure = Figure(figsize=(3.4 * len(responses), 2.8), dpi=110, layout="constrained")
    axes = figure.subplots(1, len(responses), squeeze=False)[0]
    for ax, (name, (found, measure)) in zip(axes, responses.items(), strict=True):
        values = [e.value for e in found.measured]
        ax.plot(found.settings, values, "o-", color="#b3470f")
        low, high = ([getattr(e, side) for e in found.measured] for side in ("low", "high"))
        ax.fill_between(found.settings, low, high, color="#b3470f", alpha=0.2, linewidth=0)
        ax.set_xlabel(f"knob: {name}")
        ax.set_ylabel(measure)
        ax.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
