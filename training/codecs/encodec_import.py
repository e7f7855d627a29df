"""The `encodec` package, importable also where torchaudio's compiled part is not.

torchaudio has no CPU build for recent torch versions: its wheel then fails at import with OSError. encodec itself only
uses torchaudio's spectrogram in its discriminator, so that one transform is given here when the real one cannot load.
"""

import sys
import types
from collections.abc import Callable

import torch
from torch import Tensor, nn


class _Spectrogram(nn.Module):
    """|STFT|^power as torchaudio's transform of the same name, for the arguments encodec uses (no centring)."""

    def __init__(
        self,
        n_fft: int,
        hop_length: int,
        win_length: int,
        window_fn: Callable[[int], Tensor],
        normalized: bool,
        center: bool,
        pad_mode: str | None,
        power: float | None,
    ) -> None:
        super().__init__()
        if center or power is not None:
            raise ValueError("only the complex, uncentred spectrogram is provided")
        self.n_fft, self.hop_length, self.normalized = n_fft, hop_length, normalized
        self.register_buffer("window", window_fn(win_length), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        window: Tensor = self.window  # type: ignore[assignment]
        flat = x.reshape(-1, x.shape[-1])
        z = torch.stft(flat, self.n_fft, self.hop_length, len(window), window, center=False, return_complex=True)
        if self.normalized:
            z = z / window.pow(2).sum().sqrt()
        return z.reshape(*x.shape[:-1], *z.shape[-2:])


def _stand_in() -> types.ModuleType:
    module = types.ModuleType("torchaudio")
    transforms = types.ModuleType("torchaudio.transforms")
    transforms.Spectrogram = _Spectrogram  # type: ignore[attr-defined]
    module.transforms = transforms  # type: ignore[attr-defined]
    return module


try:
    import torchaudio  # noqa: F401  # pyright: ignore[reportUnusedImport]
except (ImportError, OSError):
    for _name in [n for n in sys.modules if n == "torchaudio" or n.startswith("torchaudio.")]:
        del sys.modules[_name]
    sys.modules["torchaudio"] = _stand_in()
    sys.modules["torchaudio.transforms"] = sys.modules["torchaudio"].transforms

from encodec.model import EncodecModel  # noqa: E402
from encodec.modules.seanet import SEANetDecoder, SEANetEncoder  # noqa: E402
from encodec.msstftd import MultiScaleSTFTDiscriminator  # noqa: E402
from encodec.quantization.core_vq import EuclideanCodebook, sample_vectors  # noqa: E402
from encodec.quantization.vq import ResidualVectorQuantizer  # noqa: E402

__all__ = [
    "EncodecModel",
    "EuclideanCodebook",
    "MultiScaleSTFTDiscriminator",
    "ResidualVectorQuantizer",
    "SEANetDecoder",
    "SEANetEncoder",
    "sample_vectors",
]
