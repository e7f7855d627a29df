"""How long one bar played on takes, on one core. Usage: continuation_bar.py [MODEL FOLDER] [--bars N].

Prints median, p95 and longest time of a bar after four bars of each shipped groove file: the time that passes, and the
processor's time (the same whatever else the machine does).
"""

import argparse
import time
from pathlib import Path

import numpy as np

from drummers.common.model_folder import MODELS_DIR
from drummers.continuation.model import KIND, Continuer
from ghostnote.files.groove import GROOVES_DIR, read_groove_file


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, default=MODELS_DIR / KIND)
    parser.add_argument("--bars", type=int, default=10, help="bars per groove")
    choice = parser.parse_args()
    continuer = Continuer(choice.model)
    print(f"{continuer.candidates} candidates a bar; ms: {'p50':>7}{'p95':>8}{'max':>8}{'CPU p50':>9}{'CPU max':>9}")
    everything: list[tuple[float, float]] = []
    for path in sorted(GROOVES_DIR.glob("*.toml")):
        groove = read_groove_file(path)
        continuer.play_on(groove, 1)
        times: list[tuple[float, float]] = []
        for seed in range(choice.bars):
            began, cpu = time.perf_counter(), time.process_time()
            continuer.play_on(groove, 1, seed=seed)
            times.append((1000 * (time.perf_counter() - began), 1000 * (time.process_time() - cpu)))
        show(path.stem, times)
        everything += times
    show("all", everything)


def show(name: str, times: list[tuple[float, float]]) -> None:
    """One line."""
    passed, used = np.array(times).T
    print(
        f"{name:24}{np.median(passed):12.0f}{np.percentile(passed, 95):8.0f}{passed.max():8.0f}"
        f"{np.median(used):9.0f}{used.max():9.0f}"
    )


if __name__ == "__main__":
    main()
