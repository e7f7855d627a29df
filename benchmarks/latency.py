"""MIDI in to sound out through a real JACK server: latency, jitter, missed hits, xruns, CPU and memory.

    python -m benchmarks.latency [--hits 1000] [--blocks 64 128 256] [--write docs/latency.md]

A client sends hits at random frames and records; a hit's latency is counted in JACK's frames, so that the measuring
itself adds nothing. Ours plays clicks (`benchmarks.click_server`): what is measured is the engine, not a drum's attack.
"""

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.click_kit import write_click_kit
from benchmarks.stalls import StallWatch
from evaluation.machine import cpu_name
from ghostnote.latency import ARRIVAL_SECONDS, WORK_SECONDS, default_lead
from ghostnote.osc.client import query
from tests.support.jack import JackServer, Probe, jack_missing, may_run_realtime, running, wait_until

OSC_PORT: Final = 9177
SOUND_FONTS: Final = ("/usr/share/sounds/sf2/TimGM6mb.sf2", "/usr/share/sounds/sf2/FluidR3_GM.sf2")
HOG: Final = [sys.executable, "-c", "while True: pass"]
REFERENCE: Final = """
import rtmixer, signal, subprocess, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
m = rtmixer.Mixer(channels=2, blocksize=int(sys.argv[1]), latency="low")
m.start()
midi = [subprocess.Popen(["jack_midi_dump"], stdout=subprocess.DEVNULL)] if sys.argv[2:] else []
try:
    sys.stdin.read()
finally:
    for one in midi:
        one.kill()
"""
"""An output and a MIDI input without a program between them, both in C: what the machine and the wiring cost."""


BEFORE_SECONDS: Final = 1.0
"""After a stall the measure of the device's clock needs so long to follow (docs/latency.md)."""
AFTER_SECONDS: Final = 0.1
"""A stall so long after a hit may still concern it."""
SPACING: Final = 0.03
"""Seconds between hits; longer than any of the sounds."""
METRONOME: Final = 33
"""The note of General MIDI's shortest drum sound: in 11 ms it is below a twentieth of its peak (TimGM6mb)."""
INSTALL: Final = {
    "FluidSynth": "apt install fluidsynth timgm6mb-soundfont",
    "DrumGizmo": "apt install drumgizmo",
}
FLUIDSYNTH: Final = "-q -a jack -m jack -r 48000 -g 2 -R 0 -C 0 -o audio.jack.autoconnect=0"


@dataclass(frozen=True)
class System:
    """A program under test."""

    name: str
    command: tuple[str, ...]
    midi: str
    """Regular expression of its MIDI port; "" = it has none."""
    audio: str
    note: int
    """What makes it sound; 0 = nothing does."""
    ours: bool = False


@dataclass(frozen=True)
class Result:
    """What one run gave."""

    system: str
    block: int
    load: str
    declared: float | None
    """Latency up to the audio graph [ms] as the program says it."""
    latencies: NDArray[np.float64]
    """Of all hits [ms]; of those that were not heard nan."""
    calm: NDArray[np.bool_]
    """Of each hit, whether the machine itself did not stand still around it and JACK lost no cycle (`calm_hits`)."""
    xruns: int
    late_hops: int | None
    cpu: float
    """Percent of one core."""
    rss: float
    """MiB."""


def systems(block: int, folder: Path) -> list[System]:
    """All that can be measured on this machine; `folder` is for what they need to read."""
    python = sys.executable
    ours = (python, "-m", "benchmarks.click_server", "1", "midi_api=jack", f"osc_port={OSC_PORT}", f"block={block}")
    dump = ("midi",) if shutil.which("jack_midi_dump") else ()
    reference = (python, "-c", REFERENCE, str(block), *dump)
    found = [
        System("Ghostnote", ours, "Ghostnote In", "PortAudio:out", 36, ours=True),
        System("rtmixer, wired alike", reference, "midi-monitor:" if dump else "", "PortAudio:out", 0),
    ]
    font = next((font for font in SOUND_FONTS if Path(font).is_file()), None)
    if shutil.which("fluidsynth") and font:
        command = ("fluidsynth", *FLUIDSYNTH.split(), font)
        found.append(System("FluidSynth", command, "fluidsynth.*midi_", "fluidsynth.*:(left|right)", METRONOME))
    if shutil.which("drumgizmo"):
        kit, notes = write_click_kit(folder)
        options = ("-i", "jackmidi", "-I", f"midimap={notes}", "-o", "jackaudio")
        found.append(System("DrumGizmo", ("drumgizmo", *options, str(kit)), "DrumGizmo.*midi", "DrumGizmo:[01]-", 36))
    return found


def measure_system(system: System, server: JackServer, load: str, hits: int, seed: int) -> Result:
    """One run: start the program, send hits at random frames, and see when each is heard."""
    with running(system.command, server) as process, Probe(server) as probe, StallWatch() as stalls:
        wait_until(
            lambda: len(probe.ports(system.audio)) > 1 and (not system.midi or probe.ports(system.midi)),
            40,
            f"{system.name} has no ports",
        )
        time.sleep(2)
        probe.connect(probe.ports(system.midi)[0] if system.midi else None, probe.ports(system.audio)[:2])
        length = hits * SPACING
        random = np.random.default_rng(seed)
        note = bytes([0x99, system.note, 127])
        starts = 0.1 + SPACING * np.arange(hits if system.note else 0)
        plan = [(int(at * probe.rate) + int(random.integers(0, 480)), note) for at in starts]
        before, start, xruns, missed_cycles = cpu_seconds(process.pid), time.perf_counter(), probe.xruns, probe.missed
        begin, audio = probe.take(plan, length + 0.6)
        cpu = 100 * (cpu_seconds(process.pid) - before) / (time.perf_counter() - start)
        xruns = max(probe.xruns - xruns, probe.missed - missed_cycles)
        delays = onsets(audio, [frame - begin for frame, _ in probe.sent], int(SPACING * probe.rate))
        sent = np.array([frame for frame, _ in probe.sent], np.int64)
        lost = np.array(probe.lost, np.int64)
        figures, rss = status() if system.ours else {}, memory_mib(process.pid)
    return Result(
        system.name, server.block, load,
        declared=float(figures["engine_latency_ms"]) if figures else None,
        latencies=np.where(delays >= 0, 1000 * delays / probe.rate, np.nan),
        calm=calm_hits(sent / probe.rate, lost / probe.rate, stalls, start - begin / probe.rate),
        xruns=xruns,
        late_hops=int(figures["late_hops"]) if figures else None,
        cpu=cpu,
        rss=rss,
    )  # fmt: skip


def calm_hits(
    hits: NDArray[np.float64], lost: NDArray[np.float64], stalls: StallWatch, zero: float
) -> NDArray[np.bool_]:
    """Which hits have no stall of the machine around them, and no lost cycle between themselves and their sound.

    `hits`, `lost`: times by JACK's clock [s]; `zero`: that clock's 0 by `time.perf_counter`.
    """
    return np.array(
        [
            not stalls.explain(zero + at - BEFORE_SECONDS, zero + at + AFTER_SECONDS)
            and not ((lost > at) & (lost < at + AFTER_SECONDS)).any()
            for at in hits
        ],
        bool,
    )


def together(rounds: Sequence[Result]) -> Result:
    """Several runs of one program as one."""
    late = [one.late_hops for one in rounds if one.late_hops is not None]
    return replace(
        rounds[0],
        latencies=np.concatenate([one.latencies for one in rounds]),
        calm=np.concatenate([one.calm for one in rounds]),
        xruns=sum(one.xruns for one in rounds),
        late_hops=sum(late) if late else None,
        cpu=float(np.mean([one.cpu for one in rounds])),
        rss=max(one.rss for one in rounds),
    )


def onsets(audio: NDArray[np.float32], sent: Sequence[int], reach: int) -> NDArray[np.int64]:
    """Frames from each hit to the first sample above a fifth of its loudest, -1 where nothing is heard in `reach`."""
    level = np.abs(audio).max(axis=1)
    floor = 0.2 * np.percentile(level[level > 0], 99) if level.any() else 1.0
    ends = [*sent[1:], sent[-1] + reach] if sent else []
    found: list[int] = []
    for start, end in zip(sent, ends, strict=True):
        part = level[start:end]
        peak = part.max(initial=0.0)
        found.append(int(np.argmax(part > 0.2 * peak)) if peak > floor else -1)
    return np.array(found, np.int64)


def status() -> dict[str, float | str]:
    """The running server's figures."""
    figures = query("/ghostnote/status", "127.0.0.1", OSC_PORT)
    return dict(zip(figures[::2], figures[1::2], strict=True))


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid: int, line: str = "VmRSS") -> float:
    """Memory of a process, by default all that is resident."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(found for found in lines if found.startswith(line)).split()[1]) / 1024


def row(result: Result, *, calm: bool = False) -> str:
    """One line of the table; `calm`: of its calm hits alone."""
    every = result.latencies[result.calm] if calm else result.latencies
    ms = every[~np.isnan(every)]
    spread = ["-"] * 7
    if len(ms):
        near = np.abs(ms - np.median(ms)) <= FAR_MS
        spread = [f"{np.percentile(ms, q):.2f}" for q in (50, 90, 99, 100)]
        spread += [f"{ms.std():.3f}", str((~near).sum()), f"{ms[near].std():.3f}"]
    declared = f"{result.declared:.2f}" if result.declared else "-"
    late = "-" if result.late_hops is None else str(result.late_hops)
    whole = ["-"] * 4 if calm else [str(result.xruns), late, f"{result.cpu:.0f}", f"{result.rss:.0f}"]
    name = f"{result.system}, calm" if calm else result.system
    cells = [name, str(result.block), result.load, declared, *spread, str(len(every)), str(len(every) - len(ms))]
    return f"| {' | '.join([*cells, *whole])} |"


def rows(result: Result) -> list[str]:
    """The line of a result, and that of its calm moments where there were others."""
    return [row(result), *([row(result, calm=True)] if not result.calm.all() else [])]


COLUMNS: Final = [
    "program",
    "block",
    "load",
    "declared",
    "p50",
    "p90",
    "p99",
    "max",
    "sd",
    "off",
    "sd of the rest",
    "hits",
    "missed",
    "xruns",
    "late hops",
    "CPU %",
    "RSS MiB",
]
FAR_MS: Final = 0.5
"""Milliseconds from the median beyond which a hit counts as off."""
HEAD: Final = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"


def page(results: Sequence[Result]) -> str:
    """docs/latency.md."""
    text = (Path(__file__).parent / "latency_page.md").read_text(encoding="utf-8")
    machine = (
        f"{cpu_name()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, Python "
        f"{platform.python_version()}; JACK's dummy driver at 48000 Hz, "
        f"{'realtime' if may_run_realtime() else 'ordinary'} priority; load average at the end {os.getloadavg()[1]:.1f}"
    )
    table = [HEAD, *(line for one in results for line in rows(one))]
    return text.format(
        machine=machine, table="\n".join(table), lead=default_lead(256, 128, 48_000), arrival=1000 * ARRIVAL_SECONDS,
        work=1000 * WORK_SECONDS,
    )  # fmt: skip


def measure_all(options: argparse.Namespace, folder: Path) -> list[Result]:
    """All runs that were asked for, in turns; a line is printed for each. `folder`: for the programs' files."""
    results: list[Result] = []
    print(HEAD)
    for block in options.blocks:
        there = systems(block, folder)
        for name in INSTALL.keys() - {one.name for one in there}:
            print(f"{name} is not here and not measured ({INSTALL[name]})")
        if unknown := set(options.only or ()) - {one.name for one in there}:
            sys.exit(f"no {', '.join(unknown)} here: there are {', '.join(one.name for one in there)}")
        found = [one for one in there if not options.only or one.name in options.only]
        if options.peers_at and block not in options.peers_at:
            found = [one for one in found if one.name not in INSTALL]
        for load in options.loads:
            hogs = [subprocess.Popen(HOG) for _ in range(os.cpu_count() or 1)] if load == "busy" else []
            try:
                runs: dict[str, list[Result]] = {system.name: [] for system in found}
                for turn, system in product(range(options.rounds), found):
                    with JackServer(f"ghostnote-bench-{os.getpid()}", block=block) as server:
                        hits = -(-options.hits // options.rounds)
                        runs[system.name].append(measure_system(system, server, load, hits, turn))
                for one in map(together, runs.values()):
                    results.append(one)
                    print(*rows(one), sep="\n", flush=True)
            finally:
                for hog in hogs:
                    hog.kill()
                    hog.wait()
    return results


def main() -> None:
    """Measure and print, and write the page where asked for."""
    parser = argparse.ArgumentParser(description="MIDI-to-sound latency on JACK.")
    parser.add_argument("--hits", type=int, default=1000, help="hits per program, block and load")
    parser.add_argument("--rounds", type=int, default=4, help="turns in which the programs take theirs")
    parser.add_argument("--peers-at", type=int, nargs="+", help="measure FluidSynth and DrumGizmo at these blocks only")
    parser.add_argument("--blocks", type=int, nargs="+", default=[64, 128, 256], help="frames per JACK cycle")
    parser.add_argument("--loads", nargs="+", default=["idle", "busy"], choices=["idle", "busy"])
    parser.add_argument("--only", nargs="+", help="names of the programs to measure; default all that are installed")
    parser.add_argument("--write", type=Path, help="the page to write")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"argument --rounds: {options.rounds}, expected 1 or more")
    if jack_missing():
        print(f"latency: not measured: {jack_missing()}")
        return
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # so that what was started is ended, too
    with tempfile.TemporaryDirectory() as folder:
        results = measure_all(options, Path(folder))
    if options.write:
        options.write.write_text(page(results), encoding="utf-8")
        print(options.write)


if __name__ == "__main__":
    main()
