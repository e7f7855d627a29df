"""The interface of every codec: what a predictor and the evaluation may rely on."""

from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Codec(Protocol):
    """Audio [batch, channels, frames] in -1..1 <-> codes [batch, rows, books], one row per `hop` frames."""

    sample_rate: int
    channels: int
    hop: int
    n_codebooks: int
    codebook_size: int

    def encode(self, audio: Tensor) -> Tensor:
        """Codes, int64, 0 <= code < codebook_size; frames are zero-padded up to whole hops."""
        ...

    def decode(self, codes: Tensor) -> Tensor:
        """Audio of rows * hop frames."""
        ...
