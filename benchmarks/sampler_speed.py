"""How fast the kit sampler mixes Groove MIDI performances on one core: `python -m benchmarks.sampler_speed [KIT ...]`.

Prints, per kit, the time to load it, seconds of music per second of mixing whole performances (voices included), and
what a live caller pays per hop of 256 frames. Needs the project data (GHOSTNOTE_DATA).
"""

import os
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ghostnote.music.performance import Performance
from kits.striker import Striker
from sampler.kit import Kit, list_kits, load_kit
from sampler.mix import mix, mix_voices
from training.data.groove import read_groove

DATA = Path(os.environ.get("GHOSTNOTE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
HOP = 256
SECONDS_PER_KIT = 240


def long_beats(n: int) -> list[Performance]:
    """The first `n` beats of the test split that last at least half a minute."""
    corpus = read_groove(DATA / "groove" / "groove-midi.tar.xz")
    beats = [p for p in corpus.performances if p.split == "test" and p.kind == "beat" and p.duration >= 30]
    return beats[:n]


def times_real_time(kit: Kit, performances: list[Performance]) -> tuple[float, float]:
    """Seconds of sound per second of work, and hits per second of sound."""
    seconds, hits, began = 0.0, 0, time.perf_counter()
    for performance in performances:
        seconds += len(mix(kit, performance)) / kit.sample_rate
        hits += len(performance.hits)
        if seconds > SECONDS_PER_KIT:
            break
    return seconds / (time.perf_counter() - began), hits / seconds


def hop_times(kit: Kit, performance: Performance, hops: int) -> NDArray[np.float64]:
    """Milliseconds that each of the first `hops` hops costs a caller who keeps the voices: [hops]."""
    frames = np.rint(performance.hits["time"] * kit.sample_rate).astype(int)
    edges = np.searchsorted(frames, np.arange(hops + 1) * HOP)
    striker, spent = Striker(kit), np.empty(hops)
    for n, (first, end) in enumerate(pairwise(edges)):
        began = time.perf_counter()
        for row in range(first, end):
            hit = performance.hits[row]
            striker.strike(int(frames[row]), int(hit["lane"]), float(hit["velocity"]))
        mix_voices(kit, striker.ringing, n * HOP, HOP)
        striker.forget((n + 1) * HOP)
        spent[n] = time.perf_counter() - began
    return spent * 1000


def main() -> None:
    """Measure the kits named on the command line, or all."""
    performances = long_beats(20)
    print("kit                load s   x real time   hits/s   hop p50 ms   hop p99 ms")
    for kit_id in sys.argv[1:] or [info.id for info in list_kits(DATA / "kits")]:
        began = time.perf_counter()
        kit = load_kit(DATA / "kits" / kit_id)
        loaded = time.perf_counter() - began
        mix(kit, performances[0].between(0, 1))
        speed, hits = times_real_time(kit, performances)
        p50, p99 = np.percentile(hop_times(kit, performances[0], 2000), [50, 99])
        print(f"{kit_id:18}{loaded:7.2f}{speed:14.0f}{hits:9.1f}{p50:13.3f}{p99:13.3f}")


if __name__ == "__main__":
    main()
