"""Which pieces still sound: each rings after its last hit for as long as its kit says, fades, and rests."""

from collections.abc import Sequence
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ghostnote.files.bundle import Manifest
from ghostnote.music.articulations import PIECE_OF_LANE, PIECES
from ghostnote.music.grid import HopEvents

RING_SECONDS: Final = 10.0
"""Of pieces of which the bundle says nothing."""
FADED_PART: Final = 0.1
"""The last part of its ring in which a piece is faded to silence."""

Hops = NDArray[np.int64]


def ring_hops(manifest: Manifest) -> Hops:
    """Hops that each piece of each kit rings after a hit, [kits, pieces]."""
    seconds = [kit.piece_seconds or (RING_SECONDS,) * len(PIECES) for kit in manifest.kits]
    return np.array([[ceil(s * manifest.sample_rate / manifest.hop) for s in kit] for kit in seconds])


class Rings:
    """What rings, hop after hop; owned by one renderer."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Everything rests."""
        self._left = np.zeros(len(PIECES), np.int64)
        self._length = np.ones(len(PIECES), np.int64)

    def advance(self, events: Sequence[HopEvents], ring: Hops) -> tuple[Hops, Hops]:
        """Hops that each piece still rings, this one included, and how many those were at its last hit: [hops, pieces].

        `ring` [pieces]: hops that a hit makes a piece ring from now on.
        """
        left = np.empty((len(events), len(PIECES)), np.int64)
        length = np.empty_like(left)
        for row, one in enumerate(events):
            self._left -= self._left > 0
            for hit in one.hits:
                piece = PIECE_OF_LANE[hit.lane]
                self._left[piece] = self._length[piece] = ring[piece]
            left[row], length[row] = self._left, self._length
        return left, length


def fades(left: Hops, length: Hops) -> bool:
    """Whether any of these pieces that still ring is in the last part of its ring."""
    return bool(((left > 0) & (left - 1 < FADED_PART * length)).any())


def fade(left: Hops, length: Hops, frames: int) -> NDArray[np.float32]:
    """Gain 1 .. 0 of each frame of hops of `frames`: [*left.shape, frames]."""
    still = left[..., None] - np.arange(frames) / frames
    return np.clip(still / (FADED_PART * length[..., None]), 0, 1).astype(np.float32)
