"""From the start of `ghostnote serve` to its first sound, through a real JACK server.

    python -m benchmarks.first_sound [--starts 5] [--bundle NAME]

Cold: the files of the bundle and of the libraries were dropped from the system's cache before (Linux; other files stay
where they are). Warm: they were read just before. A client hits the kick ten times a second from the very beginning, so
that the first sound is that of a server able to play. Then, once it runs, the first hit after ten seconds of silence.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from ghostnote.files.bundle import bundle_folder
from tests.support.jack import JackServer, Probe, ghostnote, jack_missing, running, wait_until

OSC_PORT: Final = 9181
KICK: Final = bytes([0x99, 36, 110])
LIMIT_SECONDS: Final = 60.0
LIBRARIES: Final = ("numpy", "onnxruntime", "scipy", "soxr", "cffi", "jack", "rtmixer", "sounddevice")


def files(bundle: str | None) -> Iterator[Path]:
    """What a start reads: the bundle and the libraries of the server."""
    yield from bundle_folder(bundle).iterdir()
    packages = next(Path(entry) for entry in sys.path if entry.endswith("site-packages"))
    for name in LIBRARIES:
        found = packages / name
        yield from (path for path in (found.rglob("*") if found.is_dir() else [found.with_suffix(".py")]))


def forget(bundle: str | None) -> None:
    """Drop those files from the system's cache."""
    for path in files(bundle):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def start(server: JackServer, bundle: str | None, *, cold: bool, still: float = 0.0) -> tuple[float, float, float]:
    """Seconds until the ports are there, until the first sound, and from a hit after `still` seconds to its sound."""
    if cold:
        forget(bundle)
    options = ["--bundle", bundle] if bundle else []
    with Probe(server) as probe:
        began = time.perf_counter()
        command = ghostnote("serve", "--midi-api", "jack", "--osc-port", str(OSC_PORT), *options)
        with running(command, server, subprocess.DEVNULL):
            wait_until(
                lambda: len(probe.ports("PortAudio:out")) > 1 and probe.ports("Ghostnote In"), LIMIT_SECONDS, "no ports"
            )
            ports = time.perf_counter() - began
            probe.connect(probe.ports("Ghostnote In")[0], probe.ports("PortAudio:out")[:2])
            sound = np.nan
            while np.isnan(sound):
                if time.perf_counter() - began > LIMIT_SECONDS:
                    raise TimeoutError("no sound")
                first = time.perf_counter() + 4 * probe.block / probe.rate
                _, audio = probe.take([(n * probe.rate // 10, KICK) for n in range(10)], 1.0)
                loud = np.flatnonzero(np.abs(audio).max(axis=1) > 1e-3)
                sound = first - began + loud[0] / probe.rate if len(loud) else np.nan
            return ports, float(sound), _after_silence(probe, still) if still else np.nan


def _after_silence(probe: Probe, seconds: float) -> float:
    time.sleep(seconds)
    begin, audio = probe.take([(4800, KICK)], 1.0)
    level = np.abs(audio).max(axis=1)
    return int(np.argmax(level > 0.2 * level.max())) / probe.rate - (probe.sent[0][0] - begin) / probe.rate


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="From start to first sound.")
    parser.add_argument("--starts", type=int, default=5, help="starts of each kind")
    parser.add_argument("--bundle", help="name or folder of a bundle")
    options = parser.parse_args()
    if jack_missing():
        sys.exit(f"first sound: not measured: {jack_missing()}")
    print("| start | ports after s | first sound after s |\n|---|---|---|")
    still: list[float] = []
    with JackServer(f"ghostnote-first-{os.getpid()}") as server:
        for kind, cold in (("cold", True), ("warm", False)):
            took = [start(server, options.bundle, cold=cold, still=0 if cold else 10) for _ in range(options.starts)]
            ports, sound, last = zip(*took, strict=True)
            spread = [f"{median(s):.2f} ({min(s):.2f}..{max(s):.2f})" for s in (ports, sound)]
            print(f"| {kind} | {' | '.join(spread)} |", flush=True)
            still += [] if cold else last
    print(f"first hit after 10 s of silence: heard after {1000 * median(still):.1f} ms (max {1000 * max(still):.1f})")


if __name__ == "__main__":
    main()
