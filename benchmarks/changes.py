"""What a change costs while music plays: kit, preset, mode, bundle, on a real JACK server with the shipped bundle.

    python -m benchmarks.changes [--rounds 20] [--block 128]

A client plays the crash every quarter of a second, so that something always rings, and records. A silent frame is one
in a run of at least `RUN` frames of exact silence; cycles that the recording client missed are silent, too, and are
counted beside; the first two seconds of a row are left out. "ms" is what the asking took: for a bundle until it plays.
The rows "nothing" show what the machine does by itself in as many seconds. Prints a table in Markdown.
"""

import argparse
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.machine import cpu_name
from ghostnote.files.bundle import bundle_folder
from ghostnote.osc.client import OscClient
from tests.support.jack import JackServer, Probe, ghostnote, jack_missing, running, wait_until

OSC_PORT: Final = 9178
CRASH: Final = bytes([0x99, 49, 110])
RUN: Final = 32
COUNTS: Final = ("late_hops", "dropped_frames", "late_hits", "xruns")


def silent_frames(audio: NDArray[np.float32]) -> int:
    """Frames [frames, 2] that belong to runs of exact silence."""
    silent = np.concatenate([[False], ~audio.any(axis=1), [False]])
    edges = np.flatnonzero(np.diff(silent.astype(np.int8)))
    lengths = edges[1::2] - edges[::2]
    return int(lengths[lengths >= RUN].sum())


@dataclass
class Bench:
    """A server that plays, a client that listens, and one that asks."""

    probe: Probe
    client: OscClient
    rounds: int

    def figures(self) -> dict[str, float]:
        """The status by name."""
        ((_, values),) = self.client.ask("/ghostnote/status")
        return dict(zip(values[::2], values[1::2], strict=True))

    def measure_change(self, name: str, change: Callable[[int], object], seconds: float = 1.0) -> None:
        """A change every so many seconds while the crash rings: one row of the table."""
        every = self.probe.rate // 4
        length = seconds * self.rounds
        hits = [(frame, CRASH) for frame in range(0, round(length * self.probe.rate), every)]
        before, missed = self.figures(), self.probe.missed
        took: list[float] = []
        worker = threading.Thread(target=self._change, args=(change, seconds, took))
        worker.start()
        _, audio = self.probe.take(hits, length)
        worker.join()
        after = self.figures()
        counts = [f"{after[count] - before[count]:.0f}" for count in COUNTS]
        silent = silent_frames(audio[2 * self.probe.rate :])
        cells = [name, str(self.rounds), f"{length:.0f}", f"{1000 * float(np.median(took)):.0f}", *counts, str(silent)]
        cells += [str(self.probe.missed - missed), f"{after['render_p99_ms']:.2f}", f"{after['render_max_ms']:.2f}"]
        print(f"| {' | '.join(cells)} |", flush=True)

    def _change(self, change: Callable[[int], object], seconds: float, took: list[float]) -> None:
        begin = time.perf_counter() + seconds / 2
        for n in range(self.rounds):
            time.sleep(max(0.0, begin + n * seconds - time.perf_counter()))
            at = time.perf_counter()
            change(n)
            took.append(time.perf_counter() - at)


def rows(bench: Bench, other: Path) -> None:
    """All rows of the table."""
    client = bench.client
    ((_, kits),) = client.ask("/ghostnote/kits")
    bundles = (str(other), str(bundle_folder(None)))
    bench.measure_change("nothing", lambda n: None)
    bench.measure_change("kit", lambda n: client.send("/ghostnote/kit", kits[n % len(kits)]))
    bench.measure_change("level", lambda n: client.send("/ghostnote/level/snare", -3.0 * (n % 2)))
    bench.measure_change("preset", lambda n: client.send("/ghostnote/preset", f"change{n % 2}"))
    client.send("/ghostnote/level/snare", 0.0)  # one pass again: pieces of another level take a pass of their own
    bench.measure_change("nothing", lambda n: None, 3)
    bench.measure_change("bundle", lambda n: client.change("/ghostnote/bundle", [bundles[n % 2]]), 3)
    client.send("/ghostnote/tempo", 240)
    client.send("/ghostnote/mode", "window")
    bench.measure_change("nothing, window mode", lambda n: None, 3)
    bench.measure_change("bundle, window mode", lambda n: client.change("/ghostnote/bundle", [bundles[n % 2]]), 3)


def prepare(home: Path) -> Path:
    """Two presets in `home`, and the shipped bundle under another name, whose folder is returned."""
    (home / "presets").mkdir()
    for n in (0, 1):
        (home / "presets" / f"change{n}.toml").write_text(f"drummer = {n}\nlevels = {{ snare = {-3.0 * n} }}\n")
    other = home / "other"
    shutil.copytree(bundle_folder(None), other)
    manifest = other / "manifest.toml"
    manifest.write_text(manifest.read_text("utf-8").replace('name = "', 'name = "other-', 1), "utf-8")
    return other


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--block", type=int, default=128)
    arguments = parser.parse_args()
    if jack_missing():
        raise SystemExit(jack_missing())
    command = ghostnote("serve", "--osc-port", str(OSC_PORT), "--block", str(arguments.block))
    heads = ("change", "times", "s", "ms", *COUNTS, "silent frames", "cycles missed", "p99 ms", "max ms")
    with tempfile.TemporaryDirectory() as home, JackServer("ghostnote-changes", block=arguments.block) as server:
        os.environ["GHOSTNOTE_HOME"] = home
        other = prepare(Path(home))
        with running(command, server), Probe(server) as probe, OscClient(port=OSC_PORT, timeout=5) as client:
            wait_until(lambda: len(probe.ports("PortAudio:out")) > 1 and probe.ports("Ghostnote In"), 30, "no ports")
            probe.connect(probe.ports("Ghostnote In")[0], probe.ports("PortAudio:out")[:2])
            time.sleep(2)
            print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
            rows(Bench(probe, client, arguments.rounds), other)
    print(f"\n{cpu_name()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
