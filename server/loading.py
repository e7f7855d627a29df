"""Loading a bundle: checked, timed, and warmed up until all hops take equally long."""

import time
from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from ghostnote.files.bundle import bundle_folder
from ghostnote.latency import ARRIVAL_SECONDS, WORK_SECONDS, block_wait
from ghostnote.music.articulations import PIECES
from server.config import ServeConfig
from server.engine.live_settings import LiveRenderer
from server.render.renderer import EVERY_PIECE, Renderer, load_renderer
from server.system.scheduling import OTHER_PRIORITY, prioritise_thread

TRIALS: Final = 5
MARGIN: Final = 1.5
"""Time that a hop must have, as a multiple of the shortest trial: it takes longer beside other programs."""
LEAST_PASSES: Final = 2
"""What sounds, and what is off."""


def load_bundle(config: ServeConfig) -> LiveRenderer:
    """The renderer of the bundle that `config` names. Raises BundleError, MissingError, InputError."""
    folder = bundle_folder(config.bundle or None)
    renderer = load_renderer(folder, threads=config.threads, provider=config.provider, beside=True)
    if renderer.causal:
        # At the priority of the server's threads, or other programs would make it seem slow.
        with ThreadPoolExecutor(1, "trial", prioritise_thread, (OTHER_PRIORITY,)) as pool:
            seconds = work_seconds(config, renderer) / MARGIN
            most = pool.submit(passes_in_time, renderer, seconds).result()
            renderer.limit_passes(most if most < len(PIECES) else None)
    return renderer


def work_seconds(config: ServeConfig, renderer: Renderer) -> float:
    """Time that a hop may take so that it is not late, by the lead of `config` and never more than it lasts."""
    rate = config.rate or renderer.sample_rate
    wait = block_wait(renderer.hop, config.block, aligned=rate == renderer.sample_rate) / rate
    work = config.lead_ms / 1000 - wait - ARRIVAL_SECONDS if config.lead_ms else WORK_SECONDS
    return min(work, renderer.hop / renderer.sample_rate)


def passes_in_time(renderer: Renderer, seconds: float) -> int:
    """How many passes a hop of at most `seconds` has time for, `LEAST_PASSES` .. one per piece; tries some out.

    Resets the renderer, with a pass for each piece.
    """

    def shortest(passes: int) -> float:
        renderer.limit_passes(passes)
        renderer.reset()
        took: list[float] = []
        for _ in range(TRIALS):
            begin = time.perf_counter()
            renderer.render([EVERY_PIECE])
            took.append(time.perf_counter() - begin)
        return min(took)

    more = range(LEAST_PASSES + 1, len(PIECES) + 1)
    most = LEAST_PASSES + bisect_right(more, seconds, key=shortest)
    renderer.limit_passes(None)
    renderer.reset()
    return most
