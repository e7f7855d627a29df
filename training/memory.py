"""Keeping freed memory: a training step allocates the same gigabytes again and again."""

import ctypes
import sys
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_TOP_PAD: Final = -2
_M_MMAP_MAX: Final = -4
_M_ARENA_MAX: Final = -8


def keep_freed_memory() -> None:
    """Tell glibc to reuse freed blocks instead of returning them to the system; does nothing elsewhere.

    Measured on a codec step on one core: without it, the kernel's page clearing took 43 % of all CPU time.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    for option, value in ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 2**28), (_M_ARENA_MAX, 1)):
        mallopt(option, value)
