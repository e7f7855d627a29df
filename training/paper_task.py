"""Training of the paper's Base and Large on a finished codec, by their own recipe (SEEDS 1.3).

Mean cross-entropy over books and frames, PAD left out; AdamW without decay at a constant rate, no warm-up; the weights
are those of the last step, not averages. The codec is frozen and encodes every window on the fly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from ghostnote.errors import InputError
from ghostnote.music.performance import Performance
from sampler.kit import Kit
from training.checkpoints import load_codec, read_weights
from training.codecs.struck_codec import StruckConfig
from training.data.paper_windows import PaperBatch, PaperSource
from training.data.windows import DRUMMERS
from training.predictors.paper import PaperConfig, PaperPredictor
from training.recipe import Recipe, from_table
from training.tasks import Logs, audio_logs


@dataclass(frozen=True)
class PaperData:
    """Table [data] of a paper recipe."""

    window_bug: bool = True
    """As published: notes struck before the window count as struck at its start; the paper's grid only."""
    parts: int = 6
    """A batch goes through the network in this many parts of windows of like length: same gradient, less padding."""


def paper_source(recipe: Recipe, codec: Path, performances: Sequence[Performance], kits: Sequence[Kit]) -> PaperSource:
    """Windows for a paper recipe on this codec's rows."""
    data, model = recipe.table("data", PaperData), recipe.table("model", PaperConfig)
    hop = load_codec(codec).hop
    return PaperSource(performances, kits, hop=hop, grid=model.grid, window_bug=data.window_bug)


@dataclass
class PaperTask:
    """See the module."""

    recipe: Recipe
    kits: int
    codec_path: Path
    network: PaperPredictor = field(init=False)
    extra: nn.Module = field(init=False)

    def __post_init__(self) -> None:
        self.data = self.recipe.table("data", PaperData)
        self.codec = load_codec(self.codec_path).requires_grad_(False)
        torch.manual_seed(self.recipe.run.seed)
        config = self.recipe.table("model", PaperConfig)
        self.network = PaperPredictor(config, self.kits + 1, DRUMMERS, self.codec.n_codebooks, self.codec.codebook_size)
        self.extra = nn.Module()
        self.recipe.tables["codec_model"] = asdict(self.codec.config)

    @property
    def facts(self) -> dict[str, Any]:
        """See `Task.facts`."""
        return {"drummers": DRUMMERS}

    def prepare(self, fabric: Fabric, learning_rate: float, weight_decay: float) -> list[Optimizer]:
        """See `Task.prepare`."""
        self.fabric = fabric
        self.codec.to(fabric.device)
        optimizer = torch.optim.AdamW(self.network.parameters(), lr=learning_rate, weight_decay=weight_decay)
        self.wrapped, self.optimizer = fabric.setup(self.network, optimizer)
        return [self.optimizer]

    def step(self, fabric: Fabric, batch: PaperBatch, step: int, clip: float) -> Logs:
        """See `Task.step`."""
        valid, total = int(batch.rows.sum()) * self.network.n_codebooks, 0.0
        for _, part in parts_by_length(batch, self.data.parts):
            scores, codes = self._scores(part)
            loss = F.cross_entropy(
                scores.flatten(0, 2), codes.flatten(), ignore_index=self.network.pad, reduction="sum"
            )
            fabric.backward(loss / valid)
            total += loss.item() / valid
        fabric.clip_gradients(self.wrapped, self.optimizer, max_norm=clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return {"nll": total}

    def _scores(self, part: PaperBatch) -> tuple[Tensor, Tensor]:
        """Scores in float32 and true codes, PAD beyond each window's end."""
        outside = torch.arange(part.grid.shape[1], device=part.rows.device) >= part.rows[:, None]
        with torch.no_grad(), self.fabric.autocast():
            codes = self.codec.encode(part.audio).masked_fill(outside[..., None], self.network.pad)
        return self.wrapped(part.grid, part.beat, part.bpm, part.kit, part.drummer, outside).float(), codes

    @torch.no_grad()
    def validate(self, batch: PaperBatch) -> tuple[Logs, Tensor]:
        """See `Task.validate`; `shuffled` is the loss with another window's grid, a check that the grid is used."""
        rendered = torch.zeros_like(batch.audio)
        sums = {"loss": 0.0, "shuffled": 0.0, "accuracy": 0.0}
        for index, part in parts_by_length(batch, 2 * self.data.parts):
            scores, codes = self._scores(part)
            wrong, _ = self._scores(part._replace(grid=part.grid.roll(1, 0)))
            for name, s in (("loss", scores), ("shuffled", wrong)):
                sums[name] += float(
                    F.cross_entropy(s.flatten(0, 2), codes.flatten(), ignore_index=self.network.pad, reduction="sum")
                )
            sums["accuracy"] += float((scores.argmax(-1) == codes)[codes != self.network.pad].sum())
            audio = self.codec.decode(self.network.codes(scores))
            rendered[index, :, : audio.shape[-1]] = audio
        frames = torch.arange(rendered.shape[-1], device=rendered.device)
        rendered *= frames < batch.rows[:, None, None] * self.codec.hop
        valid = int(batch.rows.sum()) * self.network.n_codebooks
        return audio_logs(rendered, batch.audio) | {k: v / valid for k, v in sums.items()}, rendered


def parts_by_length(batch: PaperBatch, count: int) -> Iterator[tuple[Tensor, PaperBatch]]:
    """At most `count` parts of windows of like length, each cut to its longest, with their places in the batch."""
    hop = batch.audio.shape[-1] // batch.grid.shape[1]
    for index in batch.rows.argsort().tensor_split(min(count, len(batch.rows))):
        rows = int(batch.rows[index].max())
        part = PaperBatch(*(tensor[index] for tensor in batch))
        yield (
            index,
            part._replace(audio=part.audio[..., : rows * hop], grid=part.grid[:, :rows], beat=part.beat[:, :rows]),
        )


def load_paper(path: Path) -> tuple[PaperPredictor, dict[str, Any]]:
    """The predictor of a checkpoint of task "paper", in evaluation mode, and its facts. Raises InputError."""
    tensors, facts = read_weights(path)
    if facts["run"]["task"] != "paper":
        raise InputError(f"{path} holds a {facts['run']['task']!r} network; one of task 'paper' is needed")
    config = from_table(PaperConfig, facts["tables"].get("model", {}), str(path))
    codec = from_table(StruckConfig, facts["tables"]["codec_model"], str(path))
    network = PaperPredictor(config, len(facts["kits"]) + 1, facts["drummers"], codec.books, codec.book_size)
    network.load_state_dict(tensors)
    return network.eval(), facts
