"""What `ghostnote doctor` found, and whether the user should be shown it. Without Qt."""

import json
from dataclasses import dataclass
from typing import Final

from ghostnote.errors import InputError
from ghostnote.files.paths import user_dir

SEEN: Final = "first-run-done"
"""An empty file in the user's folder: the page has been seen."""


@dataclass(frozen=True)
class DoctorResult:
    """One thing that was checked."""

    name: str
    good: bool
    found: str
    remedy: str
    """What to do; commands are in backticks."""

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands of the remedy, for copying."""
        return tuple(code for code in self.remedy.split("`")[1::2] if " " in code and not code.startswith("-"))


def read_findings(text: str) -> list[DoctorResult]:
    """The results that `ghostnote doctor --json` wrote. Raises InputError for any other text."""
    try:
        rows = json.loads(text)
        return [DoctorResult(str(r["name"]), bool(r["good"]), str(r["found"]), str(r["remedy"])) for r in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"`ghostnote doctor` wrote {text.strip()[-200:]!r}, expected its findings: {error}") from None


def summary(findings: list[DoctorResult]) -> str:
    """One line for all of them."""
    faults = sum(not one.good for one in findings)
    if not faults:
        return "Everything is ready."
    return f"{faults} of {len(findings)} checks need attention." if faults > 1 else "One check needs attention."


def is_first_run() -> bool:
    """Whether the page has never been shown."""
    return not (user_dir() / SEEN).exists()


def remember_seen() -> None:
    """Do not show the page automatically again. A folder that cannot be written is ignored."""
    try:
        user_dir().mkdir(parents=True, exist_ok=True)
        (user_dir() / SEEN).touch()
    except OSError:
        return
