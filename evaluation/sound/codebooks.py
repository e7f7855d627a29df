"""How evenly a codec uses the entries of its codebooks."""

import numpy as np
from numpy.typing import NDArray


def perplexities(codes: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Perplexity of each book [books] on codes [rows, books]: how many of its `size` entries are in even use."""
    shares = np.stack([np.bincount(book, minlength=size) / len(codes) for book in codes.T])
    return np.exp(-np.sum(shares * np.log(np.maximum(shares, 1e-12)), axis=1))
