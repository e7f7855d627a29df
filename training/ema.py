"""Running averages of weights."""

import torch
from torch import Tensor, nn


class WeightAverage:
    """Exponential moving average of a module's trainable parameters; short at first, then `decay`."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay, self.updates = decay, 0
        self.values = {n: p.detach().clone() for n, p in module.named_parameters() if p.requires_grad}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Take one step towards the module's present weights."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        mine, theirs = self._pairs(module)
        for old, new in zip(mine, theirs, strict=True):
            old.lerp_(new, 1 - decay)

    def _pairs(self, module: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
        parameters = dict(module.named_parameters())
        return list(self.values.values()), [parameters[n].detach() for n in self.values]

    @torch.no_grad()
    def swap(self, module: nn.Module) -> None:
        """Exchange the module's weights with the averages; call twice to undo."""
        for mine, theirs in zip(*self._pairs(module), strict=True):
            kept = theirs.clone()
            theirs.copy_(mine)
            mine.copy_(kept)
