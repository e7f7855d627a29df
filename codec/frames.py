"""How a stroke is cut into frames and hops."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

HOP: Final = 256
"""Frames of audio that one frame of codes adds."""
FRAME: Final = 512
"""Frames of audio that one frame of codes describes: two hops."""
LEAD: Final = 64
"""So much before a frame the encoder sees, to hear where inside the hop a sound begins."""
KNOTS: Final = 4
"""Points per hop at which the gains of noise are given."""
BOOKS: Final = 12
BOOK_SIZE: Final = 1024


def hops_of(frames: int) -> int:
    """Hops that hold so many frames of audio."""
    return -(-frames // HOP)


def cut_frames(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """sound [frames, 2] mid, side -> code frames -1 .. T - 1 with LEAD before each, [T + 1, 2, LEAD + FRAME]."""
    whole = hops_of(len(sound)) * HOP
    padded = np.pad(sound, ((LEAD + HOP, whole - len(sound) + HOP), (0, 0)))
    return np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(padded, LEAD + FRAME, axis=0)[::HOP])
