"""Random numbers that belong to a place in time: hop n has the same noise whatever the calls that ask for it."""

import numpy as np
from numpy.typing import NDArray

_PER_COUNT = 8
"""float32 numbers that Philox4x64 gives per count of its counter."""


class GumbelStream:
    """Standard Gumbel noise [hops, books, size] of one pass, drawn hop after hop or from any hop on."""

    def __init__(self, seed: int, lane: int, books: int, size: int) -> None:
        """`seed` and `lane` (any small whole numbers >= 0) choose the stream."""
        self._key, self._shape = (seed, lane), (books, size)
        self._counts = -(-books * size // _PER_COUNT)
        self._at = -1

    def draw(self, hop: int, count: int) -> NDArray[np.float32]:
        """Noise of the hops `hop` .. `hop + count`, [count, books, size]."""
        if hop != self._at:
            bits = np.random.Philox(key=np.array(self._key, np.uint64))
            self._generator = np.random.Generator(bits.advance(hop * self._counts))
        self._at = hop + count
        uniform = self._generator.random((count, self._counts * _PER_COUNT), np.float32)
        uniform = uniform[:, : self._shape[0] * self._shape[1]].reshape(count, *self._shape)
        np.maximum(uniform, np.float32(1e-12), out=uniform)
        return -np.log(-np.log(uniform))
