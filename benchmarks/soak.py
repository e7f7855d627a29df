"""Serve for a long time under random MIDI and OSC, and tell what grows, what is late and what hangs.

    python -m benchmarks.soak [--load groove] [--minutes 15] [--every 60] [--lead MS] [--bundle FOLDER] [--write PAGE]

`ghostnote serve` with the shipped bundle, or another (a small one leaves the machine to others), on a JACK server of
its own. A client plays notes on all channels and numbers, pedal, aftertouch, clock, sysex and program changes; another
sends OSC: kits, morphs, levels, feel, hits, queries, nonsense; or both do as a player does (`--load groove`). At the
end they fall silent: what still sounds after the longest tail is a stuck note.
"""

import argparse
import os
import platform
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.latency import cpu_seconds, memory_mib
from benchmarks.soak_load import CHUNK_SECONDS, LOADS, OSC_PORT, Load, OscLoad
from benchmarks.stalls import StallWatch
from evaluation.machine import cpu_name
from ghostnote.osc.client import query
from tests.support.jack import JackServer, Probe, ghostnote, jack_missing, running, wait_until

SILENT_SECONDS: Final = 12.0
"""Long enough for every tail."""
WARM_UP_SECONDS: Final = 120.0
"""Left out of the growth: until then every buffer has been used once."""
SILENCE_DB: Final = -60.0
IDLE_LOAD: Final = 0.3
"""Load average of the minute before the start above which other programs are at work."""


@dataclass(frozen=True)
class SoakSample:
    """The server at one moment."""

    seconds: float
    rss: float
    """MiB."""
    own: float
    """MiB of it that no file can give back: the heap and the stacks."""
    threads: int
    cpu: float
    """Percent of one core since the last look."""
    figures: Mapping[str, float | str]


class LateHops(threading.Thread):
    """Asks once a second how many hops came late so far."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._end = threading.Event()
        self.counts: list[tuple[float, int]] = []
        """By time (`time.perf_counter`)."""

    def run(self) -> None:
        """Until `stop`."""
        while not self._end.wait(1.0):
            self.counts.append((time.perf_counter(), int(figures()["late_hops"])))

    def stop(self) -> None:
        """End the thread."""
        self._end.set()
        self.join()

    def unexplained(self, stalls: StallWatch) -> int:
        """Late hops of seconds in which the machine did not stand still, nor in the one before."""
        counts = [self.counts[0], *self.counts]
        return sum(
            after[1] - before[1]
            for earlier, before, after in zip(counts, counts[1:], counts[2:], strict=False)
            if not stalls.explain(earlier[0], after[0])
        )


def sample(pid: int, began: float, cpu: float) -> SoakSample:
    """The process and its own figures now."""
    threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
    rss, own = memory_mib(pid), memory_mib(pid, "RssAnon")
    return SoakSample(time.monotonic() - began, rss, own, threads, cpu, figures())


def figures() -> dict[str, float | str]:
    """The server's figures by name."""
    found = query("/ghostnote/status", "127.0.0.1", OSC_PORT)
    return dict(zip(found[::2], found[1::2], strict=True))


def soak(
    load: Load, seconds: float, every: float, seed: int, block: int, serve: Sequence[str]
) -> tuple[list[SoakSample], dict[str, str]]:
    """Looks at the server and what there is to say besides. `serve`: further options of `ghostnote serve`."""
    r = random.Random(seed)
    command = ghostnote("serve", "--midi-api", "jack", "--osc-port", str(OSC_PORT), "--block", str(block), *serve)
    with JackServer(f"ghostnote-soak-{os.getpid()}", block=block) as server, running(command, server) as process:
        with Probe(server) as probe:
            wait_until(
                lambda: len(probe.ports("PortAudio:out")) > 1 and probe.ports("Ghostnote In"), 60, "no Ghostnote ports"
            )
            time.sleep(2)
            probe.connect(probe.ports("Ghostnote In")[0], probe.ports("PortAudio:out")[:2])
            osc = OscLoad(load, seed, [str(kit) for kit in query("/ghostnote/kits", "127.0.0.1", OSC_PORT)])
            late = LateHops()
            osc.start()
            with StallWatch() as stalls:
                late.start()
                samples, peak = _play(load, probe, process.pid, r, seconds, every)
                late.stop()
            osc.stop()
            _, rest = probe.take([], SILENT_SECONDS)
            left = _level_db(rest[-probe.rate :]) - peak
            pending = figures()["pending"]
        said = {
            "stalls of the machine itself": stalls.text,
            "late hops in seconds without a stall, nor one in the second before": str(late.unexplained(stalls)),
            "sound left 12 s after the last message": f"{left:.0f} dB" if np.isfinite(left) else "none",
            "stuck notes": "no" if left < SILENCE_DB and pending == 0 else "yes",
            "OSC messages, changes of kit among them": f"{osc.sent}, {osc.kit_changes}",
            "cycles that the measuring client missed": str(probe.missed),
            "ended on request with status": str(_end(process)),
        }
    return samples, said


def _play(
    load: Load, probe: Probe, pid: int, r: random.Random, seconds: float, every: float
) -> tuple[list[SoakSample], float]:
    began, spent, sampled, peak = time.monotonic(), cpu_seconds(pid), 0.0, -np.inf
    samples = [sample(pid, began, 0.0)]
    print(HEAD, row(samples[0]), sep="\n", flush=True)
    while samples[-1].seconds < seconds:
        _, audio = probe.take(load.plan(r, probe.rate), CHUNK_SECONDS)
        peak = max(peak, _level_db(audio))
        now = time.monotonic() - began
        if now - sampled >= min(every, seconds) - CHUNK_SECONDS / 2:
            used = cpu_seconds(pid)
            samples.append(sample(pid, began, 100 * (used - spent) / (now - sampled)))
            sampled, spent = now, used
            print(row(samples[-1]), flush=True)
    return samples, peak


def _level_db(audio: NDArray[np.float32]) -> float:
    peak = float(np.abs(audio).max(initial=0.0))
    return 20 * np.log10(peak) if peak else -np.inf


def _end(process: subprocess.Popen[bytes]) -> int:
    process.terminate()
    return int(process.wait(15))


COUNTERS: Final = (
    "hits", "late_hops", "dropped_frames", "xruns", "clock_jumps", "late_hits", "lost_hits", "queue_dropped",
    "osc_dropped", "pending", "render_p50_ms", "render_p99_ms",
)  # fmt: skip
COLUMNS: Final = ("minutes", "RSS MiB", "own MiB", "threads", "CPU %", *(name.replace("_", " ") for name in COUNTERS))
HEAD: Final = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"


def row(state: SoakSample) -> str:
    """One line of the table."""
    numbers = [state.figures.get(name, "-") for name in COUNTERS]
    cells = [f"{state.seconds / 60:.1f}", f"{state.rss:.2f}", f"{state.own:.2f}", str(state.threads)]
    cells.append(f"{state.cpu:.0f}")
    return f"| {' | '.join([*cells, *(f'{n:.2f}' if isinstance(n, float) else str(n) for n in numbers)])} |"


def growth(samples: list[SoakSample], memory: Callable[[SoakSample], float]) -> str:
    """MiB per hour by regression over the looks after the warm-up, with its standard error."""
    late = [one for one in samples if one.seconds >= WARM_UP_SECONDS]
    if len(late) < 4:
        return "too short to tell"
    hours = np.array([one.seconds / 3600 for one in late])
    (slope, _), covariance = np.polyfit(hours, [memory(one) for one in late], 1, cov=True)
    return f"{slope:+.2f} ± {np.sqrt(covariance[0, 0]):.2f} MiB per hour"


def facts(samples: list[SoakSample], said: dict[str, str]) -> dict[str, str]:
    """What the looks come to, and what was said besides."""
    end, hops = samples[-1].figures, int(samples[-1].figures["hops"]) - int(samples[0].figures["hops"])
    late = int(end["late_hops"]) - int(samples[0].figures["late_hops"])
    return {
        "latency declared": f"{end['total_latency_ms']:.2f} ms",
        "RSS grows by": growth(samples, lambda one: one.rss),
        "memory of its own grows by": growth(samples, lambda one: one.own),
        "late hops": f"{late} of {hops} ({late / max(1, hops):.4%})",
        **said,
    }


def page(load: Load, samples: list[SoakSample], said: dict[str, str], block: int, before: float) -> str:
    """The page. `before`: load average of the minute before the start."""
    text = (Path(__file__).parent / "soak_page.md").read_text(encoding="utf-8")
    machine = f"{cpu_name()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"
    busy = "the machine was busy with other programs: its late hops and xruns say little about the server"
    return text.format(
        arguments=" ".join(sys.argv[1:]), minutes=f"{samples[-1].seconds / 60:.0f}", block=block, machine=machine,
        bundle=samples[0].figures["bundle"], date=datetime.now(UTC).date(), before=f"{before:.1f}", sent=load.text,
        load=f"{os.getloadavg()[2]:.1f}", state=busy if before > IDLE_LOAD else "nothing else was at work",
        facts="\n".join(f"- {name}: {value}" for name, value in facts(samples, said).items()),
        table="\n".join([HEAD, *map(row, samples)]),
    )  # fmt: skip


def main() -> None:
    """Serve, measure, print, and write the page where asked for."""
    parser = argparse.ArgumentParser(description="A long run of the server under random load.")
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--every", type=float, default=60.0, help="seconds between looks")
    parser.add_argument("--block", type=int, default=128, help="frames per JACK cycle")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bundle", help="folder of another bundle than the shipped one")
    parser.add_argument("--lead", type=float, help="milliseconds, as of ghostnote serve")
    parser.add_argument("--write", type=Path, help="the page to write")
    parser.add_argument("--load", choices=list(LOADS), default="random", help="what is sent")
    options = parser.parse_args()
    if jack_missing():
        sys.exit(f"soak: not run: {jack_missing()}")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # so that what was started is ended, too
    load, before = LOADS[options.load], os.getloadavg()[0]
    given = {f"--{name}": value for name in ("bundle", "lead") if (value := getattr(options, name)) is not None}
    serve = [str(word) for option in given.items() for word in option]
    samples, said = soak(load, 60 * options.minutes, options.every, options.seed, options.block, serve)
    print("", *(f"{name}: {value}" for name, value in facts(samples, said).items()), sep="\n")
    if options.write:
        options.write.write_text(page(load, samples, said, options.block, before), encoding="utf-8")
        print(options.write)


if __name__ == "__main__":
    main()
