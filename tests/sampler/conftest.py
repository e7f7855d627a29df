"""The toy kit, and tones."""

from collections.abc import Callable

import numpy as np
import pytest

from sampler.kit import Kit
from tests.support.toy_kit import ToyKit, sound_bytes


@pytest.fixture
def toy() -> ToyKit:
    """A fresh toy kit to change and load."""
    return ToyKit()


@pytest.fixture(scope="session")
def kit() -> Kit:
    """The toy kit as it is."""
    return ToyKit().load()


@pytest.fixture(scope="session")
def tone() -> Callable[[float, float, int], bytes]:
    """(frequency [Hz], seconds, rate) -> WAV bytes of a mono sine."""

    def make(frequency: float, seconds: float, rate: int) -> bytes:
        return sound_bytes(0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate), rate)

    return make
