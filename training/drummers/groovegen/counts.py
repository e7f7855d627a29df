"""Where the groove network starts: what can be counted need not be learnt by gradient."""

import torch
import torch.nn.functional as F
from torch import Tensor

from drummers.common.styles import STYLES
from drummers.common.tokens import OFFSETS, VELOCITIES
from drummers.groovegen.features import FIRST_CHOICE, MAX_SLOTS_PER_BAR, METERS, N_CHOICES
from training.drummers.groovegen.data import GrooveBatch
from training.drummers.groovegen.network import GrooveNet, echoes

ALIKE: float = 12.0
"""Bars that a style must have before its own counts weigh as much as those of all styles."""
CAUTION: float = 0.6
"""Share of the evidence of the bar before that is believed: it repeats what the profile knows."""


@torch.no_grad()
def start_from_counts(net: GrooveNet, batch: GrooveBatch) -> None:
    """Set profile, echo and feel of the network to the counts of loops without knobs and fills."""
    slots = batch.place[..., :MAX_SLOTS_PER_BAR] * batch.mask[..., None]
    styles, meters = batch.conditions[:, : len(STYLES)], batch.conditions[:, len(STYLES) + 1 :][:, : len(METERS)]
    chosen = F.one_hot(batch.choice + torch.tensor(FIRST_CHOICE[:-1]), N_CHOICES).sum(2).float()
    per_loop = torch.einsum("btk,btc->bkc", slots, chosen)
    bars = torch.einsum("bs,bm,bk->smk", styles, meters, slots.sum(1))[..., None]
    found = torch.einsum("bs,bm,bkc->smkc", styles, meters, per_loop)
    average = (per_loop.sum((0, 1)) + 0.5) / (slots.sum() + 1)
    everyone = (found.sum(0) + ALIKE * average) / (bars.sum(0) + ALIKE)
    own = (found + ALIKE * everyone) / (bars + ALIKE)
    net.everyone.copy_(everyone.log())
    net.profile.copy_(own.log() - everyone.log())
    before = echoes(batch.past)
    known = (batch.mask * (1 - batch.place[..., MAX_SLOTS_PER_BAR]))[..., None]
    net.echo.copy_(CAUTION * torch.stack([_evidence(chosen, 1 - before, known), _evidence(chosen, before, known)]))
    net.echo[:, list(FIRST_CHOICE[:-1])] = 0
    struck = batch.choice > 0
    index = (batch.choice + torch.tensor(FIRST_CHOICE[:-1]))[struck]
    for first, size, bins in ((0, OFFSETS, batch.offset), (OFFSETS, VELOCITIES, batch.velocity)):
        table = torch.zeros(N_CHOICES, size).index_put_((index, bins[struck]), torch.ones(len(index)), accumulate=True)
        spread = (table.sum(0) + 0.5) / (table.sum() + 0.5 * size)
        net.habit[:, first : first + size] = ((table + 20 * spread) / (table.sum(1, keepdim=True) + 20)).log()


def _evidence(chosen: Tensor, seen: Tensor, known: Tensor) -> Tensor:
    """Log likelihood ratio of `seen` between slots with a choice and without it, [choices]."""
    hit = ((chosen * seen * known).sum((0, 1)) + 1) / ((chosen * known).sum((0, 1)) + 2)
    miss = (((1 - chosen) * seen * known).sum((0, 1)) + 1) / (((1 - chosen) * known).sum((0, 1)) + 2)
    return (hit / miss).log()
