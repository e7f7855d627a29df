"""The continuation drummer from data to a finished run: training, then the softmax temperature that serves it best.

The temperature is chosen by the hit F1 of the next bar on the validation split (`continuation_score`) and kept in the
run folder with the measures, in `decoding.json`.
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch

from drummers.common.tokens import OFFSETS
from drummers.continuation.sampler import Floats, Ints, next_bars
from ghostnote.music.performance import Performance
from training.drummers.continuation.baselines import repeat_last_bar
from training.drummers.continuation.data import condition_of
from training.drummers.continuation.loop import Run, TrainConfig, load_net
from training.drummers.continuation.network import ContinuationNet
from training.drummers.continuation.score import F1, Item, hit_counts, items, score_all, summarise

DECODING: Final = "decoding.json"
CANDIDATES: Final = 16
TEMPERATURES: Final = (0.4, 0.7, 1.0)
CONTEXT: Final = 4
PER_PERFORMANCE: Final = 2
_log = logging.getLogger(__name__)


class TorchNetwork:
    """`drummers.continuation.sampler.Network` on the network itself."""

    def __init__(self, net: ContinuationNet) -> None:
        self.net = net

    @torch.no_grad()
    def read(
        self, fields: Ints, time: Floats, echo: Floats, context: Floats | None, past: Floats | None
    ) -> tuple[Floats, Floats, Floats]:
        """Run the Transformer over new positions."""
        shared = self.net.no_past(1) if context is None else torch.from_numpy(context)
        own = self.net.no_past(len(fields)) if past is None else torch.from_numpy(past)
        hidden = self.net(*(torch.from_numpy(a) for a in (fields, time, echo)), shared, own)
        return hidden.state[:, -1].numpy(), hidden.shift[:, -1].numpy(), hidden.present.numpy()

    @torch.no_grad()
    def lane(self, state: Floats, shift: Ints, echo: Floats) -> Floats:
        """Run the lane head."""
        return self.net.lane(*(torch.from_numpy(a) for a in (state, shift, echo))).numpy()

    @torch.no_grad()
    def feel(self, state: Floats, shift: Ints, lane: Ints, near: Floats) -> tuple[Floats, Floats]:
        """Run the head of offset and velocity."""
        joined = self.net.feel(*(torch.from_numpy(a) for a in (state, shift, lane, near))).numpy()
        return joined[:, :OFFSETS], joined[:, OFFSETS:]


def train(performances: Sequence[Performance], folder: Path, minutes: float, report: Callable[[str], None]) -> Path:
    """Train in the run folder, going on where it stopped; minutes 0: the recipe's. The best weights' path."""
    config = replace(TrainConfig(), minutes=minutes) if minutes else TrainConfig()

    def show(step: int, share: float, logs: dict[str, float]) -> None:
        if step % config.validate_every == 0:
            text = " ".join(f"{name} {value:.3f}" for name, value in logs.items())
            report(f"step {step}, {share:.0%} of {config.minutes:g} minutes: {text}")

    best = Run(config, folder).fit(performances, show)
    report("choosing the temperature on the validation split")
    chosen = choose(load_net(best), [p for p in performances if p.split == "validation"])
    (folder / DECODING).write_text(json.dumps(chosen, indent=1), encoding="utf-8")
    return best


def choose(net: ContinuationNet, performances: Sequence[Performance]) -> dict[str, object]:
    """The temperature of highest hit F1 on the performances, and the measures there."""
    asked = list(items(performances, CONTEXT, PER_PERFORMANCE))
    found = {temperature: foreseen(net, asked, temperature) for temperature in TEMPERATURES}
    best = max(found, key=lambda temperature: found[temperature].value)
    measures = {
        "hit_f1": round(found[best].value, 4),
        "hit_f1_interval": [round(found[best].low, 4), round(found[best].high, 4)],
        "hit_f1_repeat_last_bar": round(score_all(asked, lambda item: repeat_last_bar(item.context)).value, 4),
        "hit_f1_windows": len(asked),
    }
    _log.info("hit F1 by temperature: %s", {temperature: f.value for temperature, f in found.items()})
    return {"candidates": CANDIDATES, "temperature": best, "measures": measures}


def foreseen(net: ContinuationNet, asked: Sequence[Item], temperature: float) -> F1:
    """Hit F1 of the next bar at a softmax temperature; question n has seed n."""
    network = TorchNetwork(net)
    answers = (
        next_bars(
            network, item.context, 1, condition_of(item.performance),
            count=CANDIDATES, temperature=temperature, seed=seed,
        )
        for seed, item in enumerate(asked)
    )  # fmt: skip
    return summarise(asked, [hit_counts(answer, item.truth) for answer, item in zip(answers, asked, strict=True)])
