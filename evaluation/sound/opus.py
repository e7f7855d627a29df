"""Opus as a peer: what a codec for any sound makes of ours at a given rate."""

import io
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE: Final = 48_000
LOWEST_KBPS, HIGHEST_KBPS = 6.0, 256.0
"""Bit rates per channel to which libsndfile maps compression levels 1 and 0."""


def opus_round_trip(audio: NDArray[np.float32], kilobits: float) -> NDArray[np.float32]:
    """Encode at about this bit rate [kbit/s, all channels together; it varies] and decode; audio [frames, 2] at 48 kHz.

    The delay of the coder is taken out; the result has the length of the input.
    """
    per_channel = kilobits / audio.shape[1]
    level = 1 - (per_channel - LOWEST_KBPS) / (HIGHEST_KBPS - LOWEST_KBPS)
    file = io.BytesIO()
    soundfile.write(file, audio, RATE, format="OGG", subtype="OPUS", compression_level=min(max(level, 0.0), 1.0))
    file.seek(0)
    decoded = np.asarray(soundfile.read(file, dtype="float32", always_2d=True)[0], np.float32)
    return np.pad(decoded, ((0, max(0, len(audio) - len(decoded))), (0, 0)))[: len(audio)]
