"""`encodec`'s residual vector quantiser with dead entries really restarted.

In the published package `replace_` writes new entries that the moving average overwrites within the same call; measured
on our codec only 11-17 of 256 entries were in use after 360 steps. Here the average and the count move along.
"""

from typing import Any, cast

import torch
from torch import Tensor

from training.codecs.encodec_import import EuclideanCodebook, ResidualVectorQuantizer, sample_vectors


class RestartingCodebook(EuclideanCodebook):
    """A codebook whose unused entries take random vectors of the batch, with the count of a rarely used entry."""

    embed: Tensor
    embed_avg: Tensor
    cluster_size: Tensor

    def replace_(self, samples: Tensor, mask: Tensor) -> None:
        """Restart the entries in `mask` [size] from rows of `samples` [n, D]."""
        fresh = sample_vectors(samples, self.codebook_size)
        count = float(self.threshold_ema_dead_code)
        self.embed.data.copy_(torch.where(mask[:, None], fresh, self.embed))
        self.embed_avg.data.copy_(torch.where(mask[:, None], fresh * count, self.embed_avg))
        self.cluster_size.data.masked_fill_(mask, count)


def residual_quantizer(dimension: int, books: int, size: int) -> ResidualVectorQuantizer:
    """k-means start, moving average 0.98, entries used less than twice a batch restarted."""
    quantizer = ResidualVectorQuantizer(
        dimension=dimension,
        n_q=books,
        bins=size,
        decay=0.98,
        kmeans_init=True,
        kmeans_iters=20,
        threshold_ema_dead_code=2,
    )
    for layer in cast(list[Any], list(quantizer.vq.layers)):
        layer._codebook.__class__ = RestartingCodebook
    return quantizer
