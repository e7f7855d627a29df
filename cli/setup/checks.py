"""The checks of `ghostnote doctor`: one function for each thing that may keep a server from running."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cli.options import HOST, PORT

RECOVERY_HOPS: Final = 2
"""A lead must cover a stall and this many hops more: the call that renders what became due meanwhile."""


@dataclass(frozen=True)
class CheckResult:
    """One thing that was checked."""

    name: str
    good: bool
    found: str
    remedy: str = ""
    """What to do if it is not good."""


def find(bundle: str | None, watch: float) -> list[CheckResult]:
    """Run all checks. `watch`: seconds for which to watch for stalls."""
    checks: tuple[tuple[str, Callable[[], CheckResult]], ...] = (
        ("Python", _python),
        ("output device", _output),
        ("MIDI", _midi),
        ("OSC port", _osc),
        ("bundle", lambda: _bundle(bundle)),
        ("realtime", _realtime),
        ("processor speed", _governor),
        ("stalls", lambda: _stalls(watch)),
    )
    return [_guard(name, check) for name, check in checks]


def _guard(name: str, check: Callable[[], CheckResult]) -> CheckResult:
    from ghostnote.errors import GhostnoteError

    try:
        return check()
    except (GhostnoteError, ImportError, OSError) as error:
        text, _, remedy = str(error).partition(": ")
        return CheckResult(name, False, text, remedy)


def _python() -> CheckResult:
    version = ".".join(map(str, sys.version_info[:3]))
    return CheckResult("Python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")


_NO_OUTPUT: Final = {
    "linux": "connect an interface and see that PipeWire or PulseAudio runs (`systemctl --user status pipewire`), or "
    "start JACK: `jackd -d alsa`; with PipeWire, `sudo apt install pipewire-jack` gives the shortest latency",
    "darwin": "choose an output in System Settings, Sound. Where macOS asks whether Ghostnote may use the microphone, "
    "allow it (Privacy & Security, Microphone): it asks for devices that record as well; nothing is recorded",
    "win32": "choose an output in Settings, System, Sound, and close programs that use it exclusively",
}


def _output() -> CheckResult:
    from ghostnote.errors import MissingError
    from server.audio.portaudio import find_output

    try:
        device = find_output(None)
    except MissingError as error:
        return CheckResult(
            "output device", False, str(error).partition(":")[0], _NO_OUTPUT.get(sys.platform, str(error))
        )
    return CheckResult("output device", True, f"{device.index} {device.label}, {device.rate:.0f} Hz")


_NO_MIDI: Final = {
    "linux": "load the ALSA sequencer: `sudo modprobe snd-seq`, for good: `echo snd-seq | sudo tee "
    "/etc/modules-load.d/snd-seq.conf`; or start JACK and give `--midi-api jack`",
    "darwin": "open Audio MIDI Setup once and try again",
    "win32": "install loopMIDI (tobias-erichsen.de) and add a port named Ghostnote In",
}


def _midi() -> CheckResult:
    from bridge.midi.rtmidi_ports import list_ports
    from ghostnote.errors import MissingError

    try:
        sources, _ = list_ports()
    except MissingError as error:
        return CheckResult("MIDI", False, str(error).partition(" (")[0], _NO_MIDI.get(sys.platform, ""))
    if sys.platform == "win32" and not any(name.startswith(("Ghostnote", "loopMIDI")) for name in sources):
        return CheckResult("MIDI", False, "no loopback port", _NO_MIDI["win32"])
    return CheckResult("MIDI", True, f"{len(sources)} ports besides our own")


def _osc() -> CheckResult:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((HOST, PORT))
        except OSError as error:
            if _answers():
                return CheckResult("OSC port", True, f"a Ghostnote server answers at {PORT}")
            return CheckResult(
                "OSC port", False, f"{PORT} is taken ({error})", "another server runs, or give --osc-port"
            )
    return CheckResult("OSC port", True, f"{PORT} is free")


def _answers() -> bool:
    from ghostnote.errors import MissingError
    from ghostnote.osc.client import query
    from ghostnote.osc.table import STATUS

    try:
        return bool(query(STATUS, HOST, PORT))
    except MissingError:
        return False


def _bundle(bundle: str | None) -> CheckResult:
    from ghostnote.files.bundle import bundle_folder
    from server.render.bundle import load_renderer

    folder = bundle_folder(bundle)
    renderer = load_renderer(folder)
    text = f"{renderer.manifest.name}, {len(renderer.kits)} kits, runs on {renderer.provider}"
    return CheckResult("bundle", True, text)


def _realtime() -> CheckResult:
    if sys.platform != "linux":
        return CheckResult("realtime", True, "the system decides")
    import resource

    from server.system.scheduling import RENDER_PRIORITY, prioritise_thread

    granted = prioritise_thread(RENDER_PRIORITY)
    locked = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    prioritise_thread(0)
    remedy = (
        "late hops are likely under load. Put `@audio - rtprio 95` and `@audio - memlock unlimited` into "
        "/etc/security/limits.d/audio.conf, join the group (`sudo usermod -aG audio $USER`) and log in again"
    )
    memory = "unlimited" if locked == resource.RLIM_INFINITY else f"{locked // 1024} KiB"
    return CheckResult(
        "realtime", granted.startswith("realtime"), f"priority {granted}, locked memory {memory}", remedy
    )


def _governor() -> CheckResult:
    path = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    if not path.is_file():
        return CheckResult("processor speed", True, "not adjustable here")
    governor = path.read_text().strip()
    remedy = "`sudo cpupower frequency-set -g performance` keeps the processor from slowing down between hops"
    return CheckResult("processor speed", governor == "performance", f"governor {governor}", remedy)


def _stalls(seconds: float) -> CheckResult:
    from math import ceil

    from ghostnote.latency import WORK_SECONDS
    from server.system.stalls import PERIOD_SECONDS, in_words, watch_machine

    stalls = watch_machine(seconds)
    longest = max((length for _, length in stalls), default=0.0)
    needed = min(1000, ceil(1000 * (longest + RECOVERY_HOPS * PERIOD_SECONDS)))
    remedy = (
        "no program could run for that long, and sound is lost when that is longer than the lead "
        "allows. Set the realtime limits, close other programs and switch power saving off; in a virtual machine it "
        f"may be caused by the host. Or give `--lead {needed}` (ms, for blocks of up to 256 frames): every hit then "
        "comes so much later"
    )
    return CheckResult(
        "stalls", longest + PERIOD_SECONDS <= WORK_SECONDS, f"{in_words(stalls)}, in {seconds:g} s", remedy
    )
