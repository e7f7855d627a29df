"""A server that must restart keeps its settings: one process passes them to the next in a file.

PortAudio keeps its list of devices from the start, and on JACK it never returns from closing a stream whose server has
died; only a new process always works.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from ghostnote.files.preset import Preset, dump_preset, parse_preset

RESUME: Final = "GHOSTNOTE_RESUME"
"""Environment variable with the name of the file."""


def restart_process(settings: Preset) -> None:
    """Replace this process by one with the same command line, which continues with `settings`. Does not return."""
    handle, name = tempfile.mkstemp(suffix=".toml")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(dump_preset(settings))
    os.environ[RESUME] = name
    arguments = sys.argv[1:] if getattr(sys, "frozen", False) else sys.orig_argv[1:]
    os.execv(sys.executable, [sys.executable, *arguments])


def take_resumed() -> Preset | None:
    """The settings left by the previous process, once; None for an ordinary start."""
    name = os.environ.pop(RESUME, None)
    if name is None:
        return None
    path = Path(name)
    try:
        return parse_preset(path.read_text(encoding="utf-8"), name)
    finally:
        path.unlink()
