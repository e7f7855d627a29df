"""Tables in Markdown, and how numbers stand in them."""

from collections.abc import Iterable, Sequence

from evaluation.bootstrap import Estimate


def markdown(headings: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A Markdown table, the first column left, the others right."""
    rule = "|---|" + "---:|" * (len(headings) - 1)
    return "\n".join([f"| {' | '.join(headings)} |", rule, *(f"| {' | '.join(line)} |" for line in lines)])


def show(estimate: Estimate, decimals: int) -> str:
    """`value [low, high]`."""
    value, low, high = (fixed(number, decimals) for number in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"


def fixed(number: float, decimals: int) -> str:
    """The number with `decimals` decimals, zero without a sign."""
    return f"{round(number, decimals) + 0.0:.{decimals}f}"


def rounded(number: float) -> float:
    """Six decimals, more than any of these measures deserves."""
    return round(number, 6)
