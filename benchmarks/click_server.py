"""A server that plays a click for every hit, at the hit's very frame: what is measured with it is the engine alone.

python -m benchmarks.click_server [milliseconds of work per hop] [key=value of ServeConfig ...]
"""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostnote.files.preset import PieceSound
from ghostnote.files.schema import from_table
from ghostnote.music.grid import HopEvents
from server.config import ServeConfig
from server.serve import serve


@dataclass(frozen=True)
class Title:
    """Stands in for a bundle's manifest."""

    name: str


class ClickRenderer:
    """One frame of the hit's velocity for every hit; kit "tone" adds a constant, so that gaps can be heard."""

    hop = 256
    sample_rate = 48000
    channels = 2
    kits: tuple[str, ...] = ("click", "tone")
    manifest = Title("click")
    causal = True
    provider = "none"

    def __init__(self, work: float = 0.0) -> None:
        """`work`: seconds that each hop takes, asleep."""
        self._work, self._level = work, 0.0

    def figures(self) -> Mapping[str, float]:
        """Nothing to tell."""
        return {}

    def reset(self) -> None:
        """Nothing rings."""

    def learn(self, events: Sequence[HopEvents]) -> None:
        """Nothing rings."""

    def close(self) -> bool:
        """Nothing to free."""
        return False

    def set_kit(self, weights: Mapping[str, float]) -> None:
        """The constant is a tenth of the share of "tone"."""
        self._level = 0.1 * weights.get("tone", 0.0)

    def set_pieces(self, pieces: Mapping[str, PieceSound]) -> None:
        """All alike."""

    def set_levels(self, levels_db: Mapping[str, float], pans: Mapping[str, float]) -> None:
        """All alike."""

    def render(self, events: Sequence[HopEvents]) -> NDArray[np.float32]:
        """Clicks, [len(events) * hop, 2]."""
        audio = np.full((len(events) * self.hop, self.channels), self._level, np.float32)
        for n, hop in enumerate(events):
            for hit in hop.hits:
                audio[n * self.hop + hit.offset] += 0.8 * hit.velocity
        if self._work:
            time.sleep(self._work * len(events))
        return audio


def main() -> None:
    """Serve until Ctrl-C."""
    work, *pairs = sys.argv[1:] or ["0"]
    table = dict(pair.split("=", 1) for pair in pairs)
    config = from_table(ServeConfig, {key: int(v) if v.isdigit() else v for key, v in table.items()})
    sys.exit(serve(config, load=lambda _: ClickRenderer(float(work) / 1000)))


if __name__ == "__main__":
    main()
