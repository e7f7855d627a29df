"""What a training shows on the way: scalars, audio and spectrograms in TensorBoard."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from training.losses import magnitude

SHOWN = 3
"""Windows shown at every validation."""


class SampleWriter:
    """Writes TensorBoard events into a run's folder."""

    def __init__(self, folder: Path, sample_rate: int) -> None:
        self.rate = sample_rate
        self.writer = SummaryWriter(str(folder))

    def scalars(self, group: str, values: Mapping[str, float], step: int) -> None:
        """Curves `group/name`."""
        for name, value in values.items():
            self.writer.add_scalar(f"{group}/{name}", value, step)

    def audio(self, rendered: Tensor, reference: Tensor, step: int) -> None:
        """The first windows, and one picture a window: reference above, rendering below, 80 dB of range."""
        for index in range(min(SHOWN, len(rendered))):
            both = torch.stack([reference[index].mean(0), rendered[index].mean(0)]).float().cpu()
            db = 20 * torch.log10(magnitude(both, 1024, 256).clamp_min(1e-4))
            picture = ((db + 80) / 80).clamp(0, 1).transpose(1, 2).flip(1).flatten(0, 1).unsqueeze(0)
            self.writer.add_image(f"spectrogram/{index}", picture, step)
            self.writer.add_audio(f"rendered/{index}", both[1].clamp(-1, 1), step, self.rate)
