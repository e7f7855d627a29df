"""What the operating system must do for a thread that may not be late."""

import gc
import os
import sys
from typing import Final

SWITCH_SECONDS: Final = 0.0001
"""The longest that another Python thread keeps the interpreter from the render thread (Python's default is 5 ms); a hop
asks for it half a dozen times."""
RENDER_PRIORITY: Final = 40
"""Below JACK's own 60-80 and above everything ordinary."""
OTHER_PRIORITY: Final = 5
"""Of all other threads of the process: whoever holds the interpreter must not wait for ordinary programs, or the render
thread and JACK's MIDI callback wait with it."""


def prepare_process() -> None:
    """Once, after loading and warm-up: what exists now is never looked at by the garbage collector again."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()


def prioritise_thread(priority: int) -> str:
    """Give the calling thread, and those it will start, realtime priority where the system allows it; 0 = ordinary.

    Says what it got.
    """
    if sys.platform != "linux":
        return "the system's default"
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO if priority else os.SCHED_OTHER, os.sched_param(priority))
    except OSError:
        return "ordinary (no realtime limits: see ghostnote doctor)"
    return f"realtime {priority}" if priority else "ordinary"
