"""What the codec alone loses, by kit and by articulation."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.sound.codec_report import CodecStudy, RoundTrip, study_codec
from evaluation.sound.windows import choose_windows
from ghostnote.music.performance import Performance
from sampler.kit import list_kits
from studies.sound.rows import RATE, REFERENCE_SEED, Sources, sampled
from studies.sound.study import SPLIT
from training.checkpoints import load_codec
from training.codecs.drum_codec import DrumCodec


def round_trip_of(codec: DrumCodec) -> RoundTrip:
    """Encoder, codes and decoder as one function."""

    def round_trip(audio: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        codes = codec.encode(torch.from_numpy(audio).T[None])
        return codec.decode(codes)[0].T[: len(audio)].numpy(), codes[0].numpy()

    return round_trip


def measure_codec(
    checkpoint: Path, kits: Path, performances: Sequence[Performance], windows_per_kit: int
) -> tuple[CodecStudy, dict[str, str]]:
    """What was measured of the codec in a checkpoint, and the settings that belong above its tables."""
    network = load_codec(checkpoint)
    names = [info.id for info in list_kits(kits)]
    windows = {kit: choose_windows(performances, kit, windows_per_kit, RATE, SPLIT) for kit in names}
    reference = sampled(Sources(kits), REFERENCE_SEED)
    study = study_codec(round_trip_of(network), reference, windows, RATE, network.codebook_size, network.hop)
    return study, {
        "codec": f"{checkpoint}, hop {network.hop} at {RATE} Hz, "
        f"{network.n_codebooks} books of {network.codebook_size}",
        "music": f"Groove MIDI Dataset, {SPLIT} split, kind beat, mixed with the sampled kits",
    }
