"""What a step of the renderer costs: by hops per call, by strokes that sound, and in the hop after a change of kit.

Usage: renderer_step.py [BUNDLE] [--threads N]. Prints p50 and p99 of the time that passes, p50 of the processor's time
(the same whatever else the machine does; of the calling thread, so for one thread), and the share of the hops' length
that the latter is.
"""

import argparse
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from ghostnote.files.bundle import bundle_folder
from ghostnote.files.groove import GROOVES_DIR, read_groove_file
from ghostnote.music.articulations import PIECES, lanes_of_piece
from ghostnote.music.grid import HopEvents, HopHit, hop_events
from server.render.bundle import load_renderer
from server.render.renderer import Renderer

GROOVE: Final = GROOVES_DIR / "pocket_funk.toml"
SECONDS: Final = 4.0


def time_step(
    renderer: Renderer, events: list[HopEvents], hops: int, before: Callable[[int], None] = lambda _: None
) -> tuple[float, float, float]:
    """p50 and p99 [ms] of calls of `hops` hops, and p50 of their processor time [ms].

    `before` is called with each call's number and not timed.
    """
    renderer.reset()
    spent: list[float] = []
    used: list[float] = []
    for number, first in enumerate(range(0, len(events) - hops + 1, hops)):
        before(number)
        began, cpu = time.perf_counter(), time.thread_time()
        renderer.render(events[first : first + hops])
        spent.append(time.perf_counter() - began)
        used.append(time.thread_time() - cpu)
    p50, p99 = np.percentile(spent, [50, 99]) * 1000
    return float(p50), float(p99), 1000 * float(np.median(used))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", nargs="?", help="name or folder of a bundle")
    parser.add_argument("--threads", type=int, default=1)
    choice = parser.parse_args()
    renderer = load_renderer(bundle_folder(choice.bundle), threads=choice.threads)
    rate, hop = renderer.sample_rate, renderer.hop
    events = hop_events(read_groove_file(GROOVE), round(SECONDS * rate / hop), hop=hop, sample_rate=rate)
    threads = f"{choice.threads} thread{'s' * (choice.threads > 1)}"
    print(f"bundle {renderer.manifest.name}, {renderer.provider}, {threads}, hop {1000 * hop / rate:.2f} ms")

    def show(what: str, hops: int, figures: tuple[float, float, float]) -> None:
        share = figures[2] / (1000 * hops * hop / rate)
        print(f"{what:28}{figures[0]:9.2f}{figures[1]:9.2f}{figures[2]:9.2f}{share:12.3f}")

    print(f"{'':28}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>9}{'of its time':>12}")
    for hops in (1, 2, 4, 8, 32, 128):
        show(f"{hops} hops a call", hops, time_step(renderer, events, hops))
    kits = renderer.kits
    show(
        "1 hop after a change of kit",
        1,
        time_step(renderer, events, 1, lambda n: renderer.set_kit({kits[n % len(kits)]: 1})),
    )
    every_piece = HopEvents(tuple(HopHit(lanes_of_piece(piece)[0], 0, 1.0) for piece in PIECES))
    again = [every_piece if n % 94 == 0 else HopEvents() for n in range(len(events))]
    show(f"1 hop, all {len(PIECES)} pieces", 1, time_step(renderer, again, 1))


if __name__ == "__main__":
    main()
