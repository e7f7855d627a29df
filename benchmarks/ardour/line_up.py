"""A real host: Ardour, without its window, plays a MIDI region into Ghostnote and records what comes back.

    python -m benchmarks.ardour.line_up [--groove driving_rock] [--bundle NAME] [--block 128] [--keep FOLDER]

Two passes, each through `jackd`'s dummy driver, `ardour7-lua` and a server of its own: with clicks in place of a model
every hit's place is known to the frame; with the bundle the recording is compared with the file rendering of the same
MIDI file. Shifted by the declared latency, both must lie under the region. Ends with status 1 where they do not.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.ardour.session_file import add_region
from evaluation.sound.onsets import agreement, detect_onsets, expected_onsets
from ghostnote.errors import GhostnoteError
from ghostnote.files.bundle import bundle_folder
from ghostnote.files.groove import groove_path, read_groove_file
from ghostnote.files.midi import read_midi, write_midi
from ghostnote.files.midi_map import load_map
from ghostnote.music.performance import Performance
from ghostnote.osc.client import query
from server.files.offline import render_performance
from server.render.bundle import load_renderer
from tests.support.jack import JackServer, Probe, ghostnote, jack_missing, running, wait_until

ARDOUR: Final = "ardour7-lua"
OSC_PORT: Final = 9179
HERE: Final = Path(__file__).parent
RATE: Final = 48000
BPM: Final = 120.0
"""Of a new session in Ardour; at this tempo a tick of the MIDI file is a whole number of frames."""
BEFORE_SECONDS: Final = 1.0
AFTER_SECONDS: Final = 3.0
REACH: Final = 4800
"""Lags that the cross-correlation looks at, in frames."""
ALLOWED: Final = 48
"""Frames, 1 ms, by which the sound may miss its place."""

Audio = NDArray[np.float32]


@dataclass(frozen=True)
class Recording:
    """What Ardour wrote, on the session's time line."""

    audio: Audio
    """[frames, 2] from the session's start."""
    declared: int
    """Frames of latency up to the audio graph, as the server said them."""
    xruns: int
    """As Ardour counted them."""
    late_hops: int


def make_region(groove: str, folder: Path) -> tuple[Path, Performance]:
    """A groove as MIDI file, starting after a second, and the performance as read back from that file."""
    played = read_groove_file(groove_path(groove))
    parts = {name: getattr(played, name).copy() for name in ("hits", "openness", "chokes")}
    for events in parts.values():
        events["time"] += BEFORE_SECONDS
    path, gm = folder / "region.mid", load_map("gm")
    write_midi(replace(played, **parts, bpm=BPM, duration=played.duration + BEFORE_SECONDS), path, gm)
    return path, read_midi(path, gm)[0]


def ardour(server: JackServer, script: str, *arguments: str) -> list[list[str]]:
    """Run one of our scripts in Ardour; the words of every line it printed. Raises RuntimeError if it failed."""
    command = [ARDOUR, str(HERE / script), *arguments]
    done = subprocess.run(command, env=server.environment, capture_output=True, text=True, timeout=180, check=False)
    if done.returncode:
        raise RuntimeError(f"{script} ended with {done.returncode}: {done.stdout} {done.stderr}")
    return [line.split() for line in done.stdout.splitlines()]


def record(command: Sequence[str], region: Path, seconds: float, block: int, folder: Path) -> Recording:
    """Start JACK, the server and Ardour, and let Ardour play the region and record."""
    with JackServer(f"ghostnote-ardour-{os.getpid()}", RATE, block) as server, running(command, server):
        with Probe(server) as probe:
            wait_until(
                lambda: len(probe.ports("PortAudio:out")) > 1 and probe.ports("Ghostnote In"), 60, "no Ghostnote ports"
            )
            midi, sound = probe.ports("Ghostnote In")[0], probe.ports("PortAudio:out")[:2]
        ardour(server, "new_session.lua", str(folder), str(RATE))
        add_region(folder, region, "Drums", seconds * BPM / 60)
        said = ardour(server, "play_and_record.lua", str(folder), str(seconds), midi, *sound)
        answer = query("/ghostnote/status", "127.0.0.1", OSC_PORT)
    figures = dict(zip(answer[::2], answer[1::2], strict=True))
    regions = [list(map(int, words[1:])) for words in said if words[0] == "region"]
    if len(regions) != 1:
        raise RuntimeError(f"Ardour recorded {len(regions)} regions, expected 1: {said}")
    return Recording(
        _recorded(folder, *regions[0]),
        round(float(figures["engine_latency_ms"]) * RATE / 1000),
        xruns=int(next(words[1] for words in said if words[0] == "xruns")),
        late_hops=int(figures["late_hops"]),
    )


def _recorded(folder: Path, position: int, length: int, start: int) -> Audio:
    files = sorted((folder / "interchange").glob("*/audiofiles/*.wav"))
    channels = [soundfile.read(file, dtype="float32")[0][start : start + length] for file in files]
    return np.pad(np.stack(channels[:2], axis=1).astype(np.float32), ((position, 0), (0, 0)))


def click_offsets(audio: Audio, hits: NDArray[np.void]) -> NDArray[np.int64]:
    """Frames from every hit to the click nearest to the middle one's distance; -1 where none is within 1000 frames."""
    loud = np.flatnonzero(np.abs(audio).max(axis=1) > 0.02)
    frames = np.unique(np.round(hits["time"] * RATE).astype(np.int64))
    after = np.searchsorted(loud, frames)
    first = np.median([loud[n] - frame for n, frame in zip(after, frames, strict=True) if n < len(loud)])
    nearest = [loud[np.argmin(np.abs(loud - frame - first))] - frame for frame in frames]
    return np.array([offset if 0 <= offset <= 1000 else -1 for offset in nearest], np.int64)


def best_rendering(audio: Audio, performance: Performance, bundle: str | None) -> tuple[int, float, int]:
    """Frames by which `audio` lies behind the file rendering, their correlation, and the phase of the rendering.

    Where a hit falls inside a hop changes the model's sound; a host starts at any phase of the live hops. So the file
    is rendered at 16 phases, each moved back by as much, and the one that agrees best is taken.
    """
    renderer = load_renderer(bundle_folder(bundle), threads=1)
    found: list[tuple[float, int, int]] = []
    for phase in range(0, renderer.hop, renderer.hop // 16):
        moved = render_performance(renderer, performance.shifted(phase / RATE))
        behind, correlation = lag(audio, moved.audio[phase:])
        found.append((correlation, behind, phase))
    correlation, behind, phase = max(found)
    return behind, correlation, phase


def lag(audio: Audio, reference: Audio) -> tuple[int, float]:
    """Frames by which `audio` lies behind `reference` where they agree best, and the correlation there."""
    from scipy.signal import correlate

    length = min(len(audio), len(reference))
    ours, theirs = audio[:length].mean(axis=1), reference[:length].mean(axis=1)
    curve = correlate(ours, theirs, "full", "fft")[length - 1 - REACH : length + REACH]
    best = int(np.argmax(curve))
    return best - REACH, float(curve[best] / np.sqrt(np.sum(ours**2) * np.sum(theirs**2)))


def clicks(region: Path, performance: Performance, seconds: float, block: int, folder: Path) -> dict[str, float]:
    """The pass with clicks."""
    command = [sys.executable, "-m", "benchmarks.click_server", "1", "midi_api=jack", f"osc_port={OSC_PORT}"]
    took = record([*command, f"block={block}"], region, seconds, block, folder)
    offsets = click_offsets(took.audio, performance.hits)
    loud = offsets[offsets >= 0]
    return {
        "declared": took.declared, "offset p50": float(np.median(loud)), "offset min": int(loud.min()),
        "offset max": int(loud.max()), "hits": len(offsets), "missed": int((offsets < 0).sum()), "xruns": took.xruns,
        "late hops": took.late_hops,
    }  # fmt: skip


def sound(
    region: Path, performance: Performance, seconds: float, block: int, folder: Path, bundle: str | None
) -> dict[str, float]:
    """The pass with the bundle."""
    options = ["--bundle", bundle] if bundle else []
    serve = ghostnote("serve", "--midi-api", "jack", "--osc-port", str(OSC_PORT), "--block", str(block), *options)
    took = record(serve, region, seconds, block, folder)
    behind, correlation, phase = best_rendering(took.audio, performance, bundle)
    rendered = render_performance(load_renderer(bundle_folder(bundle), threads=1), performance).audio
    here, there = (detect_onsets(audio, RATE) for audio in (took.audio[took.declared :], rendered))
    figures: dict[str, float] = {
        "declared": took.declared, "offset": behind, "correlation": round(correlation, 3), "phase": phase
    }  # fmt: skip
    expected = expected_onsets(performance.hits)
    for tolerance in (0.050, 0.010):
        of = f"onset F1 within {1000 * tolerance:.0f} ms"
        figures[of] = round(agreement(expected, here, tolerance).f1, 3)
        figures[f"{of}, file rendering"] = round(agreement(expected, there, tolerance).f1, 3)
    return {**figures, "xruns": took.xruns, "late hops": took.late_hops}


def measure_session(options: argparse.Namespace) -> float:
    """Both passes; prints their figures and returns by how many frames the worse one misses its place."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "clicks").exists():
            raise RuntimeError(f"{folder} holds sessions already: name a new folder")
        region, performance = make_region(options.groove, folder)
        seconds = performance.duration + AFTER_SECONDS
        clicked = clicks(region, performance, seconds, options.block, folder / "clicks")
        print(json.dumps({"clicks": clicked}), flush=True)
        sounded = sound(region, performance, seconds, options.block, folder / "sound", options.bundle)
        print(json.dumps({"sound": sounded}))
    pairs = ((clicked, "offset p50"), (sounded, "offset"))
    return max(abs(figures["declared"] - figures[name]) for figures, name in pairs)


def main() -> None:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(description="Ardour plays a region into Ghostnote and records the sound.")
    parser.add_argument("--groove", default="driving_rock", help="shipped groove or groove file")
    parser.add_argument("--bundle", help="name or folder of a bundle")
    parser.add_argument("--block", type=int, default=128, help="frames per JACK cycle")
    parser.add_argument("--keep", type=Path, help="a new folder for the sessions and sounds")
    options = parser.parse_args()
    missing = jack_missing() or ("" if shutil.which(ARDOUR) else f"no {ARDOUR} (on Debian: apt install ardour)")
    if missing:
        sys.exit(f"Ardour end to end: not measured: {missing}")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # so that what was started is ended, too
    try:
        missed = measure_session(options)
    except (GhostnoteError, RuntimeError, TimeoutError) as error:
        sys.exit(f"Ardour end to end: {error}")
    if missed > ALLOWED:
        sys.exit(f"Ardour end to end: the sound misses its place by {missed:.0f} frames")


if __name__ == "__main__":
    main()
