"""The rows that need torch: the paper's recipe on our codec."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ghostnote.errors import InputError
from ghostnote.music.performance import Performance
from training.checkpoints import load_codec, read_weights
from training.data.paper_windows import drummer_id, window_grid
from training.paper_task import load_paper

if TYPE_CHECKING:
    from evaluation.sound.rows import Render

codec_of = lru_cache(maxsize=2)(load_codec)


class PaperModel:
    """A window at once from silence, the likeliest code of every book."""

    def __init__(self, checkpoint: Path, codec_checkpoint: Path, reference: "Render") -> None:
        """Decodes by the codec of `codec_checkpoint`. Raises InputError if the two have different codes."""
        self.network, facts = load_paper(checkpoint)
        self.codec, self.reference = codec_of(codec_checkpoint), reference
        if (self.network.n_codebooks, self.network.pad) != (self.codec.n_codebooks, self.codec.codebook_size):
            raise InputError(
                f"{checkpoint} predicts other codes than those of {codec_checkpoint}: train it on that codec"
            )
        self.kits: list[str] = [kit["id"] for kit in facts["kits"]]
        self.window_bug = bool(facts["tables"].get("data", {}).get("window_bug", True))
        self._last: tuple[tuple[Performance, str, int, int], Tensor] | None = None

    def first(self, start: int) -> int:
        """Where the rows begin: the lane-state grid has rows at whole hops of the take only."""
        return start // self.codec.hop * self.codec.hop if self.network.config.grid == "lane-state" else start

    def scores(self, performance: Performance, kit: str, start: int, stop: int) -> Tensor:
        """[1, T, K, V + 1] of the rows from `first(start)` on; the last window's are kept."""
        asked, last = (performance, kit, start, stop), self._last
        if last is None or last[0][0] is not performance or last[0][1:] != asked[1:]:
            last = self._last = asked, self._predict(performance, kit, start, stop)
        return last[1]

    @torch.no_grad()
    def _predict(self, performance: Performance, kit: str, start: int, stop: int) -> Tensor:
        hop, rate, first = self.codec.hop, self.codec.sample_rate, self.first(start)
        rows = -(-(stop - first) // hop)
        grid, beat = window_grid(
            performance, first / rate, rows, hop=hop, sample_rate=rate, grid=self.network.config.grid,
            window_bug=self.window_bug,
        )  # fmt: skip
        one = torch.ones(1, dtype=torch.int64)
        kit_id = self.kits.index(kit) + 1 if kit in self.kits else 0
        tensors = torch.from_numpy(grid)[None], torch.from_numpy(beat)[None], torch.tensor([performance.bpm])
        return self.network(*tensors, one * kit_id, one * drummer_id(performance))

    def render(self, performance: Performance, kit: str, start: int, stop: int) -> NDArray[np.float32]:
        """See `evaluation.sound.rows.Render`."""
        audio = self.codec.decode(self.network.codes(self.scores(performance, kit, start, stop)))[0].T
        skip = start - self.first(start)
        return audio[skip : skip + stop - start].numpy()

    def codes(self, performance: Performance, kit: str, start: int, stop: int) -> dict[str, float]:
        """See `evaluation.sound.rows.CodeScores`."""
        scores = self.scores(performance, kit, start, stop)
        audio = torch.from_numpy(self.reference(performance, kit, self.first(start), stop)).T[None]
        codes = self.codec.encode(audio)
        nll = F.cross_entropy(scores.flatten(0, 2), codes.flatten())
        return {"nll": float(nll), "accuracy": float((scores.argmax(-1) == codes).float().mean())}


def trained(checkpoint: Path) -> str:
    """How long a checkpoint was trained."""
    facts = read_weights(checkpoint)[1]
    return f"{facts['step']} steps of {facts['run']['batch']} windows, {facts['minutes']:.0f} minutes"
