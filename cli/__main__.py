"""`python -m cli` is `ghostnote`, for programs that start our commands without knowing where the script lies.

Packaged as one program, it opens the app when it is started without arguments.
"""

import sys

from cli.main import run

if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(run(arguments or (["app"] if getattr(sys, "frozen", False) else ["--help"])))
