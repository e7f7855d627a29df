"""Random playing for renderers."""

import numpy as np

from ghostnote.music.articulations import LANE_OF_NAME
from ghostnote.music.grid import HopEvents, HopHit

LANES = [LANE_OF_NAME[name] for name in ("kick", "snare", "hat_closed_bow", "hat_open_edge", "crash_1", "ride_bell")]


def playing(n_hops: int, seed: int = 1, first: int = 0) -> list[HopEvents]:
    """Random hits, about one in three hops, and a choke now and then, from hop `first` on."""
    rng = np.random.default_rng(seed)
    events = []
    for n in range(n_hops):
        struck = rng.choice(LANES, rng.integers(1, 3), replace=False) if n >= first and rng.random() < 0.35 else []
        hits = tuple(HopHit(int(lane), int(rng.integers(256)), float(rng.uniform(0.1, 1))) for lane in struck)
        chokes = (LANE_OF_NAME["crash_1"],) if rng.random() < 0.05 else ()
        events.append(HopEvents(hits, chokes, float(rng.random()), n * 0.01, 110.0))
    return events
