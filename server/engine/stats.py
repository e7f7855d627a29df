"""Counters of a running engine and their summary."""

import os
import time
from dataclasses import dataclass
from typing import Final

import numpy as np

RECENT: Final = 2048
"""Hops over which render times are summed up, about ten seconds."""


class Stats:
    """Counters written by the render thread only and read by any: each is one number, read once."""

    def __init__(self) -> None:
        self.hops = 0
        self.hits = 0
        self.late_hops = 0
        """Hops of which frames were dropped, or that were not rendered at all."""
        self.dropped_frames = 0
        self.late_hits = 0
        """Hits that reached the render thread after their hop was rendered; they sounded late."""
        self.lost_hits = 0
        """Hits dropped: too many waiting, too old, or silenced by panic."""
        self.mode_changes = 0
        """Switches between live and window."""
        self.bundle_changes = 0
        """Bundles that took over from another while playing."""
        self.refused = 0
        """Commands that did not fit this bundle."""
        self.ring_fill = 0.0
        """Seconds of sound ready when the last hop was written."""
        self._seconds = np.zeros(RECENT)

    def rendered(self, seconds: float, hops: int = 1) -> None:
        """Count `hops` more hops, which took `seconds` together."""
        self._seconds[np.arange(self.hops, self.hops + hops) % RECENT] = seconds / hops
        self.hops += hops

    def render_seconds(self) -> tuple[float, float, float]:
        """Median, 99th percentile and maximum of the render time [s] of the last hops; zeros before the first."""
        known = self._seconds[: min(self.hops, RECENT)]
        if not len(known):
            return 0.0, 0.0, 0.0
        p50, p99 = np.percentile(known, [50, 99])
        return float(p50), float(p99), float(known.max())


@dataclass
class CpuMeter:
    """Share of one core that this process used since the last reading."""

    _wall: float = 0.0
    _used: float = 0.0

    def percent(self) -> float:
        """100 = one core busy all the time; 0 at the first reading."""
        times = os.times()
        wall, used = time.perf_counter(), times.user + times.system
        share = 100 * (used - self._used) / (wall - self._wall) if self._wall else 0.0
        self._wall, self._used = wall, used
        return share
