"""YAMNet embeddings: 1024 numbers for every 0.975 s of sound, the space in which the Frechet distance is measured.

Google's YAMNet (Apache-2.0) as a TFLite file, run by ai-edge-litert on one thread. Only this module imports it.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import soxr
from numpy.typing import NDArray

from evaluation.sound.spectra import Audio, mono
from ghostnote.errors import MissingError

RATE: Final = 16000
PATCH: Final = 15600
"""Input samples of the network: 0.975 s."""
HOP: Final = 7800
"""Samples between patches: half a patch."""
DIMENSIONS: Final = 1024
POOLED: Final = "global_average_pooling2d/Mean"
"""Part of the name of the tensor that holds the embedding."""


class Yamnet:
    """The network read from `path`; raises MissingError when the file or the package ai-edge-litert is absent.

    The default delegate fuses layers and leaves the pooled tensor at zero, so it is switched off and all tensors are
    kept. One instance serves one thread.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise MissingError(f"no YAMNet file {path}: FAD needs it (yamnet.tflite, see data/eval/README.md)")
        try:
            from ai_edge_litert.interpreter import Interpreter, OpResolverType
        except ImportError as error:
            raise MissingError("FAD needs the package ai-edge-litert: pip install -e '.[evaluate]'") from error
        self._net: Any = Interpreter(
            str(path),
            num_threads=1,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=True,
        )
        self._net.allocate_tensors()
        self._input = int(self._net.get_input_details()[0]["index"])
        self._pooled = self._find_pooled(path)

    def _find_pooled(self, path: Path) -> int:
        for tensor in self._net.get_tensor_details():
            name = str(tensor["name"]).partition(";")[0]
            if name.endswith(POOLED) and tuple(tensor["shape"]) == (1, DIMENSIONS):
                return int(tensor["index"])
        raise MissingError(f"{path} has no tensor named ...{POOLED} of {DIMENSIONS} numbers: it is not YAMNet")

    def __call__(self, audio: Audio, rate: int) -> NDArray[np.float32]:
        """Embeddings [patches, 1024] of audio [frames] or [frames, channels]; at least one, short clips are padded.

        The channels are averaged and resampled to 16 kHz. Patches start every 0.4875 s and lie wholly inside the
        clip where it is long enough.
        """
        samples = np.asarray(soxr.resample(mono(audio), rate, RATE), np.float32)
        samples = np.pad(samples, (0, max(0, PATCH - len(samples))))
        starts = range(0, len(samples) - PATCH + 1, HOP)
        return np.stack([self._embed(samples[start : start + PATCH]) for start in starts])

    def _embed(self, patch: NDArray[np.float32]) -> NDArray[np.float32]:
        self._net.set_tensor(self._input, patch)
        self._net.invoke()
        return np.array(self._net.get_tensor(self._pooled)[0], np.float32)
