"""The rows that need torch: what the codec alone can do, and the paper's recipe on the same codec."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ghostnote.errors import InputError
from ghostnote.performance import Performance
from training.checkpoints import load_codec, read_weights
from training.data.paper_windows import drummer_id, window_grid
from training.paper_task import load_paper

if TYPE_CHECKING:
    from evaluation.rows import Render

CONTEXT_SECONDS: Final = 2.0
"""Music encoded before a window by the oracle."""

codec_of = lru_cache(maxsize=2)(load_codec)


def oracle_render(checkpoint: Path, reference: "Render") -> "Render":
    """The reference through encoder, codes and decoder: no prediction, so the best any predictor could do."""
    codec = codec_of(checkpoint)

    def render(performance: Performance, kit: str, start: int, stop: int) -> NDArray[np.float32]:
        first = max(0, start - round(CONTEXT_SECONDS * codec.sample_rate))
        audio = torch.from_numpy(reference(performance, kit, first, stop)).T[None]
        decoded = codec.decode(codec.encode(audio))[0].T.numpy()
        return decoded[start - first : stop - first]

    return render


def paper_render(checkpoint: Path, codec_checkpoint: Path) -> "Render":
    """A window at once from silence, the likeliest code of every book; decoded by the codec of `codec_checkpoint`.

    Raises InputError if the two checkpoints have different codes.
    """
    network, facts = load_paper(checkpoint)
    codec = codec_of(codec_checkpoint)
    if (network.n_codebooks, network.pad) != (codec.n_codebooks, codec.codebook_size):
        raise InputError(f"{checkpoint} predicts other codes than those of {codec_checkpoint}: train it on that codec")
    kits = [kit["id"] for kit in facts["kits"]]
    bug = bool(facts["tables"].get("data", {}).get("window_bug", True))
    kind = network.config.grid

    @torch.no_grad()
    def render(performance: Performance, kit: str, start: int, stop: int) -> NDArray[np.float32]:
        hop, rate = codec.hop, codec.sample_rate
        first = start // hop * hop if kind == "lane-state" else start
        rows = -(-(stop - first) // hop)
        grid, beat = window_grid(performance, first / rate, rows, hop=hop, sample_rate=rate, grid=kind, window_bug=bug)
        one = torch.ones(1, dtype=torch.int64)
        scores = network(
            torch.from_numpy(grid)[None], torch.from_numpy(beat)[None], torch.tensor([performance.bpm]),
            one * (1 + kits.index(kit) if kit in kits else 0), one * drummer_id(performance),
        )  # fmt: skip
        audio: Tensor = codec.decode(network.codes(scores))[0].T
        return audio[start - first : stop - first].numpy()

    return render


def trained(checkpoint: Path) -> str:
    """How long a checkpoint was trained."""
    facts = read_weights(checkpoint)[1]
    return f"{facts['step']} steps of {facts['run']['batch']} windows, {facts['minutes']:.0f} minutes"
