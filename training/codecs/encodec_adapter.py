"""EnCodec at 24 and 32 kHz behind our `Codec`, from weight files that the user has fetched; they are not ours to ship.

24 kHz: Defossez et al., High Fidelity Neural Audio Compression (arXiv 2210.13438). 32 kHz: the codec of MusicGen
(arXiv 2306.05284; width 64, ratios 8 5 4 4, 4 books of 2048, weights CC BY-NC 4.0).
"""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ghostnote.errors import InputError, MissingError
from training.codecs.encodec_import import EncodecModel, ResidualVectorQuantizer, SEANetDecoder, SEANetEncoder


@dataclass(frozen=True)
class Release:
    """One published model."""

    file: str
    source: str
    bandwidth: float
    """Bits [kbit/s] that decide how many books are used."""


RELEASES: Final = {
    "24khz": Release(
        "encodec_24khz-d7cc33bc.th", "https://dl.fbaipublicfiles.com/encodec/v0/encodec_24khz-d7cc33bc.th", 6.0
    ),
    "32khz": Release(
        "compression_state_dict.bin",
        "https://huggingface.co/facebook/musicgen-small/resolve/main/compression_state_dict.bin",
        2.2,
    ),
}


def encodec_network(name: str) -> EncodecModel:
    """The untrained network of a release. Raises InputError for a name that is not in `RELEASES`."""
    if name not in RELEASES:
        raise InputError(f"no EnCodec {name!r}: choose {' or '.join(RELEASES)}")
    if name == "24khz":
        return EncodecModel.encodec_model_24khz(pretrained=False)
    sizes: dict[str, Any] = {"n_filters": 64, "ratios": [8, 5, 4, 4], "pad_mode": "constant", "true_skip": True}
    quantizer = ResidualVectorQuantizer(dimension=128, n_q=4, bins=2048)
    bandwidth = RELEASES[name].bandwidth
    return EncodecModel(SEANetEncoder(**sizes), SEANetDecoder(**sizes), quantizer, [bandwidth], 32_000, 1).eval()


class EncodecCodec(nn.Module):
    """One EnCodec network; satisfies `Codec`. Mono."""

    def __init__(self, network: EncodecModel, bandwidth: float) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False)
        network.set_target_bandwidth(bandwidth)
        self.sample_rate, self.channels = int(network.sample_rate), int(network.channels)
        self.hop = int(network.encoder.hop_length)
        self.codebook_size = int(network.quantizer.bins)
        self.frame_rate, self.bandwidth = int(network.frame_rate), bandwidth
        self.n_codebooks = int(network.quantizer.get_num_quantizers_for_bandwidth(self.frame_rate, bandwidth))

    @torch.no_grad()
    def encode(self, audio: Tensor) -> Tensor:
        """See `Codec.encode`. Raises InputError for more than one channel."""
        if audio.ndim != 3 or audio.shape[1] != self.channels:
            raise InputError(
                f"audio of shape {list(audio.shape)} for EnCodec: expected [batch, {self.channels}, frames]"
            )
        latent = self.network.encoder(F.pad(audio, (0, -audio.shape[-1] % self.hop)))
        return self.network.quantizer.encode(latent, self.frame_rate, self.bandwidth).permute(1, 2, 0)

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Tensor:
        """See `Codec.decode`."""
        latent = self.network.quantizer.decode(codes.permute(2, 0, 1))
        return self.network.decoder(latent)[..., : codes.shape[1] * self.hop]


def load_encodec(name: str, weights: Path, bandwidth: float | None = None) -> EncodecCodec:
    """The release `name` ("24khz", "32khz") with weights from a local file or from the folder that holds it.

    `bandwidth` [kbit/s]: of those the network was trained for, None: 6 at 24 kHz, 2.2 at 32 kHz. Raises MissingError,
    naming the file to fetch, or InputError.
    """
    network = encodec_network(name)
    release = RELEASES[name]
    path = weights / release.file if weights.is_dir() else weights
    if not path.is_file():
        raise MissingError(f"no EnCodec weights {path}: fetch {release.file} from {release.source}")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(saved.get("best_state", saved))
    except (RuntimeError, pickle.UnpicklingError, AttributeError, EOFError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path} does not hold the weights of EnCodec {name} ({release.file}): {reason}") from error
    chosen = release.bandwidth if bandwidth is None else bandwidth
    if chosen not in network.target_bandwidths:
        known = ", ".join(f"{b:g}" for b in network.target_bandwidths)
        raise InputError(f"EnCodec {name} has no bandwidth {chosen:g} kbit/s: choose {known}")
    return EncodecCodec(network, chosen)
