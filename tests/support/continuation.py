"""A continuation network of arbitrary logits, and performances to continue from."""

import numpy as np

from drummers.common.tokens import MAX_SLOTS, OFFSETS, VELOCITIES
from ghostnote.music.articulations import LANE_OF_NAME, N_LANES
from ghostnote.music.performance import Performance, make_hits


class WildNetwork:
    """Logits drawn at random, some of them infinite or not numbers; nothing is remembered."""

    def __init__(self, seed: int, end: float = 0.0) -> None:
        self.rng, self.end = np.random.default_rng(seed), end

    def _logits(self, count, size):
        logits = self.rng.normal(0, 20, (count, size)).astype(np.float32)
        logits[self.rng.uniform(size=logits.shape) < 0.05] = self.rng.choice([np.nan, np.inf, -np.inf])
        return logits

    def read(self, fields, time, echo, context, past):
        shift = self._logits(len(fields), MAX_SLOTS + 1)
        shift[:, -1] += self.end
        return np.zeros((len(fields), 1), np.float32), shift, np.zeros(0, np.float32)

    def lane(self, state, shift, echo):
        return self._logits(len(state), N_LANES)

    def feel(self, state, shift, lane, near):
        return self._logits(len(state), OFFSETS), self._logits(len(state), VELOCITIES)


def rock(bars=4, bpm=110.0, meter=(4, 4), name="rock"):
    """Eighths on the hat, kick and snare in turn."""
    quarter = 60 / bpm
    beats = bars * meter[0] * 4 / meter[1]
    rows = [(i * quarter / 2, LANE_OF_NAME["hat_closed_bow"], 0.5) for i in range(int(2 * beats))]
    rows += [(i * quarter, LANE_OF_NAME["snare" if i % 2 else "kick"], 0.8) for i in range(int(beats))]
    return Performance(
        make_hits(rows), bpm=bpm, meter=meter, duration=beats * quarter, style="rock", drummer="drummer1", name=name
    )
