"""Keeping freed memory: a training step, or a server that changes its kit, allocates the same sizes again and again."""

import ctypes
import sys
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_TOP_PAD: Final = -2
_M_MMAP_MAX: Final = -4
_M_ARENA_MAX: Final = -8


def keep_freed_memory(*, one_arena: bool) -> None:
    """Tell glibc to reuse freed blocks instead of returning them to the system; does nothing elsewhere.

    `one_arena`: all threads share one heap, for programs with one busy thread. Measured: on a codec step on one core,
    without it, clearing pages took the kernel 43 % of all CPU time; in a server that changes kits 74 times a minute,
    3 MB a time, 187 hops a minute came late without it and 48 with it (2 cores, nothing else running).
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    options = [(_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 2**28 if one_arena else 2**26)]
    for option, value in [*options, (_M_ARENA_MAX, 1)] if one_arena else options:
        mallopt(option, value)
