"""results-drummers.md and results-drummers.csv from figures, each with a sentence on how it was measured."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path
from typing import Final

from evaluation.bootstrap import Estimate
from evaluation.tables import fixed, markdown, rounded, show

NAME: Final = "results-drummers"


@dataclass(frozen=True)
class Figure:
    """One measured number."""

    row: str
    """What was measured: a model, a baseline, real drums."""
    measure: str
    estimate: Estimate
    count: int
    """Loops, bars or grooves that it was measured on."""
    protocol: str
    """How, in a sentence."""
    decimals: int = 3


@dataclass(frozen=True)
class Section:
    """Figures that belong together."""

    title: str
    text: str
    """What the reader must know to read the table."""
    figures: list[Figure] = field(default_factory=list[Figure])
    pictures: tuple[str, ...] = ()
    """Paths relative to the page."""


@dataclass(frozen=True)
class Claim:
    """A requirement, and what was found."""

    text: str
    found: str
    holds: bool | None
    """None: not measured, or what `verdict` says."""
    verdict: str = ""
    """Instead of yes or no, where the measurement allows neither."""


def write_report(
    sections: Sequence[Section], claims: Sequence[Claim], settings: dict[str, str], folder: Path, remarks: str = ""
) -> tuple[Path, Path]:
    """Write the page and the table into `folder`, which is created if necessary; returns their paths.

    `remarks` stand below what has to hold.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page, table = folder / f"{NAME}.md", folder / f"{NAME}.csv"
    parts = [
        "# Results: the drummers",
        "\n".join(f"- {name}: {value}" for name, value in settings.items()),
        *claims_text(claims),
        remarks if claims else "",
        *(part for section in sections for part in section_text(section)),
    ]
    page.write_text("\n\n".join(part.strip() for part in parts if part.strip()) + "\n", encoding="utf-8")
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["section", "row", "measure", "value", "low", "high", "count", "protocol"])
        for section in sections:
            writer.writerows([section.title, *csv_cells(figure)] for figure in section.figures)
    return page, table


def claims_text(claims: Sequence[Claim]) -> list[str]:
    """What has to hold, as a table."""
    words = {True: "yes", False: "**no**", None: "not measured"}
    lines = [[claim.text, claim.found, claim.verdict or words[claim.holds]] for claim in claims]
    return ["## What has to hold", markdown(["target", "measured", "holds"], lines)] if claims else []


def section_text(section: Section) -> list[str]:
    """Heading, text, table and pictures of a section."""
    lines = [[f.row, f.measure, text_of(f.estimate, f.decimals), str(f.count), f.protocol] for f in section.figures]
    table = markdown(["row", "measure", "value", "n", "how"], lines) if lines else ""
    pictures = "\n".join(f"![{Path(path).stem}]({path})" for path in section.pictures)
    return [f"## {section.title}", section.text, table, pictures]


def text_of(estimate: Estimate, decimals: int) -> str:
    """`value [low, high]`, or the value alone if there is no interval."""
    return fixed(estimate.value, decimals) if isnan(estimate.low) else show(estimate, decimals)


def csv_cells(figure: Figure) -> list[str | float]:
    """Cells of a line; no interval leaves its cells empty."""
    e = figure.estimate
    bounds = ["", ""] if isnan(e.low) else [rounded(e.low), rounded(e.high)]
    return [figure.row, figure.measure, rounded(e.value), *bounds, figure.count, figure.protocol]
