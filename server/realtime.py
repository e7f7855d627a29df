"""What the operating system must do for a thread that may not be late."""

import gc
import logging
import os
import sys
from typing import Final

log = logging.getLogger(__name__)

SWITCH_SECONDS: Final = 0.0005
"""The longest that another Python thread keeps the interpreter from the render thread (Python's default is 5 ms)."""
FIFO_PRIORITY: Final = 40
"""Below JACK's own 60-80 and above everything ordinary."""


def prepare_process() -> None:
    """Once, after loading and warm-up: what exists now is never looked at by the garbage collector again."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()


def prioritise_thread() -> str:
    """Give the calling thread realtime priority where the system allows it; says what it got."""
    if sys.platform != "linux":
        return "the system's default"
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(FIFO_PRIORITY))
    except (OSError, AttributeError):
        return "ordinary (no realtime limits: see ghostnote doctor)"
    return f"realtime {FIFO_PRIORITY}"
