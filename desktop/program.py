"""How the app starts our other commands: the packaged program with arguments, or Python with the package `cli`."""

import sys


def command(*arguments: str) -> list[str]:
    """The command line of `ghostnote ARGUMENTS`, program first."""
    frozen = getattr(sys, "frozen", False)
    return [sys.executable, *([] if frozen else ["-m", "cli"]), *arguments]
