"""The sections of the page about the drummers, which are measured one by one and kept."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name
from typing import Final

from evaluation.drummers.report import Section, write_report
from evaluation.machine import machine, versions
from ghostnote.errors import MissingError
from studies.drummers.context import Findings, StudyContext
from studies.drummers.humanizer_crossed import DECIDES as HUMANIZER_DECIDES
from studies.drummers.styles_crossed import DECIDES
from studies.findings import Finding, FindingStore

SECTIONS: Final = {
    "styles": "studies.drummers.styles:styles",
    "crossed": "studies.drummers.styles_crossed:crossed",
    "latents": "studies.drummers.latents:latents",
    "knobs": "studies.drummers.knobs:knobs",
    "continuation": "studies.drummers.continuation:continuation",
    "humanizer": "studies.drummers.humanizer:humanizer",
    "humanizer-crossed": "studies.drummers.humanizer_crossed:humanizer_crossed",
    "speed": "studies.drummers.speed:speed",
}
"""Name -> "module:function" that takes the `StudyContext` and returns `Findings`, in the order of the page."""


def measure_section(name: str, context: StudyContext) -> Findings:
    """The section's findings; a model that is not there is named in its place."""
    measure: Callable[[StudyContext], Findings] = resolve_name(SECTIONS[name])
    try:
        return measure(context)
    except MissingError as error:
        return Findings([Section(name.capitalize(), f"Not measured: {error}")])


def write_page(store: FindingStore[Findings], settings: dict[str, str], out: Path) -> tuple[Path, Path]:
    """results-drummers.md and .csv in `out` from all sections that were ever measured; their paths."""
    found = [finding for name in SECTIONS if (finding := store.kept(name))]
    sections = [section for finding in found for section in dated(finding)]
    claims = [claim for finding in found for claim in finding.value.claims]
    measured = ", ".join(f"{finding.name} {finding.date}" for finding in found)
    about = {**settings, "measured in parts": measured}
    return write_report(sections, claims, about, out, f"{DECIDES}\n{HUMANIZER_DECIDES}")


def dated(finding: Finding[Findings]) -> Sequence[Section]:
    """Its sections, the first with the time of its measurement."""
    first, *rest = finding.value.sections
    return [replace(first, text=f"{first.text.rstrip()}\n\nMeasured {finding.date}."), *rest]


def settings_of(command: str, quick: bool) -> dict[str, str]:
    """The machine and the choices that all numbers depend on."""
    return {
        "command": f"`{command}`" + (": few loops, wide intervals" if quick else ""),
        "music": "Groove MIDI Dataset, its own split; real drums are the test split, everything is trained on train "
        "(sections on every performance: as stated there)",
        "intervals": "95 %, over performances (bootstrap; AUC, pooled distances: jackknife): "
        "loops of one take hang together",
        "machine": machine(),
        "packages": versions("numpy", "onnxruntime", "torch", "scikit-learn", "mir_eval", "scipy"),
    }
