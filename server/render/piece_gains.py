"""Level and pan of each piece, and the mix of all pieces."""

from collections.abc import Mapping
from math import isnan

import numpy as np
from numpy.typing import NDArray

from ghostnote.errors import InputError
from ghostnote.music.articulations import PIECES

Audio = NDArray[np.float32]


class PieceGains:
    """Mixes pieces; a change is a ramp over the next hop."""

    def __init__(self, hop: int) -> None:
        self.factors: Audio = np.ones((len(PIECES), 2), np.float32)
        """Of left and right, [pieces, 2]."""
        self._before = self.factors
        self._ramp = np.linspace(1, 0, hop, endpoint=False, dtype=np.float32)[None, :, None]

    def set(self, levels_db: Mapping[str, float], pans: Mapping[str, float]) -> None:
        """Levels [dB] and pans by piece; see `Renderer.set_levels`."""
        for piece in (*levels_db, *pans):
            if piece not in PIECES:
                raise InputError(f"no piece {piece!r}: there are {', '.join(PIECES)}")
        for piece, level in levels_db.items():
            if isnan(level) or level > 24:
                raise InputError(f"level of {piece} is {level} dB, expected at most 24")
        for piece, pan in pans.items():
            if not -1 <= pan <= 1:
                raise InputError(f"pan of {piece} is {pan}, expected -1..1")
        level = np.array([levels_db.get(piece, 0.0) for piece in PIECES])
        pan = np.array([pans.get(piece, 0.0) for piece in PIECES])
        balance = np.minimum(1, np.stack([1 - pan, 1 + pan], axis=1))
        self.factors = (10 ** (level[:, None] / 20) * balance).astype(np.float32)

    def settle(self) -> None:
        """Let the next hop begin with the gains as they are."""
        self._before = self.factors

    def mix(self, pieces: Audio) -> Audio:
        """[pieces, frames, 2] -> [frames, 2]."""
        out = np.einsum("pfc,pc->fc", pieces, self.factors)
        if self._before is not self.factors and len(out):
            change, hop = self._before - self.factors, self._ramp.shape[1]
            out[:hop] += np.einsum("pfc,pc->fc", pieces[:, :hop] * self._ramp, change)
            self._before = self.factors
        return out
