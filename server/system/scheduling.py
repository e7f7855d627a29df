"""What the operating system must do for a thread that must not be late."""

import ctypes
import gc
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

SWITCH_SECONDS: Final = 0.0001
"""The longest that another Python thread keeps the interpreter from the render thread (Python's default is 5 ms); a hop
needs it half a dozen times."""
RENDER_PRIORITY: Final = 40
"""Below JACK's own 60-80 and above everything ordinary."""
OTHER_PRIORITY: Final = 5
"""Priority of all other threads: whoever holds the GIL must not wait for ordinary programs, or the render
thread and JACK's MIDI callback wait with it."""
HUGE: Final = 1 << 21
"""Bytes of a huge page."""
MADV_COLLAPSE: Final = 25
"""Linux 6.1 and later; older ones refuse it."""


def prepare_process() -> None:
    """Call once, after loading and warm-up: objects that exist now are never visited by the garbage collector again."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()


def use_huge_pages() -> int:
    """Have Linux put the memory of this process into huge pages where it can; the bytes that lie in them, 0 elsewhere.

    A hop reads 6 MB of weights. In small pages these are 1500, and a processor that has slept since the last hop looks
    each up: 2.7 ms a hop (p50 of nine runs, 2.1 to 3.2) against 2.4 (2.0 to 2.8) in huge ones, in a virtual
    machine. It takes a tenth of a second, during which no thread may have a deadline.
    """
    if sys.platform != "linux":
        return 0
    try:
        maps = Path("/proc/self/maps").read_text(errors="replace")
    except OSError:
        return 0
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return sum(size for start, size in whole_pages(maps.splitlines()) if madvise(start, size, MADV_COLLAPSE) == 0)


def whole_pages(maps: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Huge pages that lie wholly in private memory without a file, by the lines of /proc/PID/maps: (start, bytes)."""
    for line in maps:
        addresses, rights, _, _, inode, *name = line.split(None, 5)
        if rights != "rw-p" or inode != "0" or (name and name[0].strip() != "[heap]"):
            continue
        first, end = (int(address, 16) for address in addresses.split("-"))
        start, end = -(-first // HUGE) * HUGE, end // HUGE * HUGE
        if end > start:
            yield start, end - start


def prioritise_thread(priority: int) -> str:
    """Give the calling thread, and those it will start, realtime priority if the system allows it; 0 = ordinary.

    Returns what was granted.
    """
    if sys.platform != "linux":
        return "the system's default"
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO if priority else os.SCHED_OTHER, os.sched_param(priority))
    except OSError:
        return "ordinary (no realtime limits: see ghostnote doctor)"
    return f"realtime {priority}" if priority else "ordinary"
