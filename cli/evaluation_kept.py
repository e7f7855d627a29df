"""Findings of sections, kept, so that a page can be made again when one section is measured again."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cli.evaluation_drums import Findings
from evaluation.bootstrap import Estimate
from evaluation.drummers.report import Claim, Figure, Section
from ghostnote.errors import InputError

_MEASURED: Final = "\n\nMeasured "


def dated(findings: Findings) -> Findings:
    """The findings with the time of their measurement below the first section's text."""
    first, *rest = findings.sections
    now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    return replace(findings, sections=[replace(first, text=f"{first.text.rstrip()}{_MEASURED}{now}."), *rest])


def measured(found: Mapping[str, Findings]) -> str:
    """When each section, by name, was measured, in a line."""
    times = {name: of.sections[0].text.rpartition(_MEASURED)[2].strip().rstrip(".") for name, of in found.items()}
    return ", ".join(f"{name} {time}" for name, time in times.items())


def keep(path: Path, findings: Findings) -> None:
    """Write the findings as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(findings)), "utf-8")


def kept(path: Path) -> Findings | None:
    """Findings that `keep` wrote, None where there are none. Raises InputError for a file that is something else."""
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text("utf-8"))
        sections = [
            Section(
                **section
                | {"figures": [_figure(f) for f in section["figures"]], "pictures": tuple(section["pictures"])}
            )
            for section in found["sections"]
        ]
        return Findings(sections, [Claim(**claim) for claim in found["claims"]])
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} does not hold findings ({error}): delete it, it will be measured anew") from None


def _figure(values: dict[str, Any]) -> Figure:
    fields: dict[str, Any] = {**values, "estimate": Estimate(**values["estimate"])}
    return Figure(**fields)
