"""Strokes to codes: what rings is found (`codec.modes`), the rest goes through the exported encoder."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec.frames import BOOKS, FRAME, LEAD, cut_frames
from codec.modes import dequantise, encode_modes, mid_side, sound_modes
from codec.session import GraphSession

Floats = NDArray[np.float32]


class StrokeEncoder:
    """Encodes single strokes."""

    def __init__(self, graph: Path, *, threads: int = 1) -> None:
        """Raises BundleError."""
        self._session = GraphSession(graph, threads=threads)
        self._session.check({"frames": np.zeros((1, 4, 2, LEAD + FRAME), np.float32)}, {"codes": (1, 4, BOOKS)})

    def encode(self, audio: Floats) -> tuple[NDArray[np.uint16], NDArray[np.int16]]:
        """audio [frames, 2] left, right at 48 kHz, the stroke at its start -> codes [hops + 1, BOOKS], modes [n, 6].

        The codes are for frames -1 .. hops - 1; at least one frame of audio.
        """
        sound = mid_side(np.asarray(audio, np.float32))
        modes = encode_modes(sound)
        rest = sound - sound_modes(dequantise(modes), len(sound))
        (codes,) = self._session.run({"frames": cut_frames(rest)[None]})
        return codes[0].astype(np.uint16), modes
