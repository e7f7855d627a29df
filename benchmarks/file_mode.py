"""How fast a file is rendered, beside EnCodec's 32 kHz decoder alone in the same run: `python -m benchmarks.file_mode`.

Usage: file_mode.py [BUNDLE] [--threads N] [--rounds N]. Prints processing time / length of sound (below 1: faster than
real time), the median over rounds that alternate between both, and their ratio. EnCodec's weights are random (their
values do not change its speed) and its figure is for the decoder only: the paper's system adds a predictor to it.
"""

import argparse
import os
import time
from collections.abc import Callable
from statistics import median
from typing import Final

from ghostnote.files.groove import GROOVES_DIR

GROOVE: Final = GROOVES_DIR / "driving_rock.toml"
ENCODEC_SECONDS: Final = 8.0


def ours(bundle: str | None, threads: int) -> tuple[str, Callable[[], float]]:
    """What is measured, and a call that renders it and returns the length of the sound [s]."""
    from ghostnote.files.bundle import bundle_folder
    from ghostnote.files.groove import read_groove_file
    from server.files.offline import render_performance
    from server.render.bundle import load_renderer

    renderer, performance = load_renderer(bundle_folder(bundle), threads=threads), read_groove_file(GROOVE)

    def run() -> float:
        rendering = render_performance(renderer, performance)
        return len(rendering.audio) / rendering.sample_rate

    m = renderer.manifest
    return f"bundle {m.name}, whole renderer, {m.sample_rate} Hz, {m.channels} channels", run


def encodec(threads: int) -> tuple[str, Callable[[], float]]:
    """The same for EnCodec's decoder."""
    import torch

    from training.codecs.encodec_adapter import EncodecCodec, encodec_network

    torch.set_num_threads(threads)
    codec = EncodecCodec(encodec_network("32khz"), 2.2)
    rows = round(ENCODEC_SECONDS * codec.sample_rate / codec.hop)
    codes = torch.randint(codec.codebook_size, (1, rows, codec.n_codebooks))

    def run() -> float:
        return codec.decode(codes).shape[-1] / codec.sample_rate

    return f"EnCodec 32 kHz, decoder only, {codec.sample_rate} Hz, 1 channel", run


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", nargs="?", help="name or folder of a bundle")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=5)
    choice = parser.parse_args()
    systems = [ours(choice.bundle, choice.threads), encodec(choice.threads)]
    factors: list[list[float]] = [[], []]
    for index in range(choice.rounds + 1):
        for system, (_, run) in zip(factors, systems, strict=True):
            began, cpu = time.perf_counter(), time.process_time()
            seconds = run()
            if index:  # the first round warms up
                system.append((time.perf_counter() - began) / seconds)
                print(
                    f"  round {index}: {system[-1]:.4f} of real time, {(time.process_time() - cpu) / seconds:.4f} CPU"
                )
    for system, (name, _) in zip(factors, systems, strict=True):
        print(f"{median(system):.4f} of real time ({min(system):.4f}..{max(system):.4f}): {name}")
    print(f"ratio ours / EnCodec decoder: {median(factors[0]) / median(factors[1]):.3f}, {choice.threads} threads each")


if __name__ == "__main__":
    main()
