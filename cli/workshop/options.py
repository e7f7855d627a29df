"""Shared by the workshop commands: the data folder, and lists of names."""

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

DATA: Final = Path("../shared/data")
"""The data folder unless an option or GHOSTNOTE_DATA names another."""


def parse_names(names: str, allowed: Iterable[str], what: str) -> list[str]:
    """The comma-separated `names`; raises InputError when one is not `allowed`."""
    from ghostnote.errors import InputError

    allowed = list(allowed)
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in allowed:
            raise InputError(f"no {what} {name!r}: choose from {', '.join(allowed)}")
    return wanted


def command_line() -> str:
    """The current command line, to be recorded in what it writes."""
    return shlex.join(["ghostnote", *sys.argv[1:]])
