"""Runs first in the packaged program on Linux: where PortAudio and JACK are found.

The system's libraries come first, since they fit its ALSA, PipeWire or JACK; those in the folder `fallback` serve
if there are none. Without this, ctypes would ask ldconfig and, where that fails, a compiler.
"""

import ctypes
import ctypes.util
import sys
from collections.abc import Callable
from pathlib import Path

_NEEDED = {
    "portaudio": ("libasound.so.2", "libdb-5.3.so", "libjack.so.0", "libportaudio.so.2"),
    "jack": ("libdb-5.3.so", "libjack.so.0"),
}


def _finder(find: Callable[[str], str | None], folder: Path) -> Callable[[str], str | None]:
    def find_library(name: str) -> str | None:
        if name not in _NEEDED:
            return find(name)
        for soname in _NEEDED[name]:
            _load(soname, folder)
        return _NEEDED[name][-1]

    return find_library


def _load(soname: str, folder: Path) -> None:
    for place in (soname, str(folder / soname)):
        try:
            ctypes.CDLL(place, mode=ctypes.RTLD_GLOBAL)
        except OSError:
            continue
        return


ctypes.util.find_library = _finder(ctypes.util.find_library, Path(sys._MEIPASS) / "fallback")  # type: ignore[attr-defined]
