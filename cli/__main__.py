"""`python -m cli` is `ghostnote`, for programs that start our commands without knowing where the script is.

The packaged program opens the app when it is started without arguments, and `--smoke` is the command `smoke`.
"""

import sys
from multiprocessing import freeze_support

from cli.main import FROZEN, run


def words(arguments: list[str], frozen: bool) -> list[str]:
    """The command line to run for these arguments of the program."""
    match arguments:
        case []:
            return ["app"] if frozen else ["--help"]
        case ["--smoke", *others]:
            return ["smoke", *others]
        case _:
            return arguments


if __name__ == "__main__":
    freeze_support()  # a process of `render --jobs` or of a check begins here, too, when packaged
    sys.exit(run(words(sys.argv[1:], FROZEN)))
