"""A drummer that knows nothing but how often: the baseline of generated loops."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evaluation.drummers.loops import Loop, stack


class CellLottery:
    """Tosses every cell of a loop for itself, as often as the training loops of the style strike it.

    A struck cell takes offset and velocity from one of those loops that strike it. Performances count alike, however
    long they are.
    """

    def __init__(self, loops: Sequence[Loop], styles: Sequence[str]) -> None:
        """`styles` [n] names what each of the `loops` is; a style or a group of styles."""
        self._grids = stack(loops)
        self._styles = np.asarray(styles)
        _, members, sizes = np.unique([x.performance for x in loops], return_inverse=True, return_counts=True)
        self._weight = 1 / sizes[members]

    def draw(self, style: str, rng: np.random.Generator) -> NDArray[np.float32]:
        """A loop [steps, 9, 3] of the style; it has to be among those given."""
        rows = np.flatnonzero(self._styles == style)
        chance = self._weight[rows] / self._weight[rows].sum()
        grids = self._grids[rows]
        struck = rng.uniform(size=grids.shape[1:3]) < np.tensordot(chance, grids[..., 0], 1)
        loop = np.zeros(grids.shape[1:], np.float32)
        for step, kind in np.argwhere(struck):
            played = chance * grids[:, step, kind, 0]
            loop[step, kind] = grids[rng.choice(len(rows), p=played / played.sum()), step, kind]
        return loop
