"""`ghostnote status` asks a running server how it is; `ghostnote doctor` looks for what would keep one from running."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.server_address import HOST, PORT, HostOption, PortOption

RECOVERY_HOPS: Final = 2
"""A lead must hold a standstill and so much more: the call that makes good what became due meanwhile."""


def status(
    host: HostOption = HOST,
    port: PortOption = PORT,
) -> None:
    """Figures of a running server: xruns, late hops, render time, queues, provider, latency."""
    from ghostnote.osc.client import query
    from ghostnote.osc.table import STATUS

    figures = query(STATUS, host, port)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for name, value in zip(figures[::2], figures[1::2], strict=False):
        table.add_row(str(name), f"{value:g}" if isinstance(value, float) else str(value))
    Console(highlight=False).print(table)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    good: bool
    found: str
    remedy: str = ""
    """What to do, where it is not good."""


def doctor(
    bundle: Annotated[str | None, typer.Option(help="Name or folder of the bundle to check.")] = None,
    watch: Annotated[
        float,
        typer.Option(min=0, max=3600, metavar="SECONDS", help="How long to watch for standstills."),
    ] = 3.0,
    as_json: Annotated[bool, typer.Option("--json", help="Write the findings as JSON, for programs.")] = False,
) -> None:
    """Check devices, MIDI, the bundle, the provider, realtime limits and standstills; say what to do about each."""
    findings = find(bundle, watch)
    if as_json:
        json.dump([asdict(finding) for finding in findings], sys.stdout)
        sys.stdout.write("\n")
    else:
        show(findings)
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


def find(bundle: str | None, watch: float) -> list[Finding]:
    """Look at everything. `watch`: seconds for which to look out for standstills."""
    checks: tuple[tuple[str, Callable[[], Finding]], ...] = (
        ("Python", _python),
        ("output device", _output),
        ("MIDI", _midi),
        ("OSC port", _osc),
        ("bundle", lambda: _bundle(bundle)),
        ("realtime", _realtime),
        ("processor speed", _governor),
        ("standstills", lambda: _standstills(watch)),
    )
    return [_guard(name, check) for name, check in checks]


def show(findings: list[Finding]) -> None:
    """A table, and below it what to do."""
    console = Console(highlight=False)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for finding in findings:
        table.add_row("[green]good[/]" if finding.good else "[red]look[/]", finding.name, escape(finding.found))
    console.print(table)
    for finding in findings:
        if not finding.good and finding.remedy:
            console.print(f"\n[bold]{finding.name}[/]: {escape(finding.remedy)}", soft_wrap=True)


def _guard(name: str, check: Callable[[], Finding]) -> Finding:
    from ghostnote.errors import GhostnoteError

    try:
        return check()
    except (GhostnoteError, ImportError, OSError) as error:
        text, _, remedy = str(error).partition(": ")
        return Finding(name, False, text, remedy)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")


_NO_OUTPUT: Final = {
    "linux": "connect an interface and see that PipeWire or PulseAudio runs (`systemctl --user status pipewire`), or "
    "start JACK: `jackd -d alsa`; with PipeWire, `sudo apt install pipewire-jack` gives the shortest latency",
    "darwin": "choose an output in System Settings, Sound. Where macOS asks whether Ghostnote may use the microphone, "
    "allow it (Privacy & Security, Microphone): it asks for devices that record as well; nothing is recorded",
    "win32": "choose an output in Settings, System, Sound, and close programs that use it exclusively",
}


def _output() -> Finding:
    from ghostnote.errors import MissingError
    from server.audio.portaudio import find_output

    try:
        device = find_output(None)
    except MissingError as error:
        return Finding("output device", False, str(error).partition(":")[0], _NO_OUTPUT.get(sys.platform, str(error)))
    return Finding("output device", True, f"{device.index} {device.label}, {device.rate:.0f} Hz")


_NO_MIDI: Final = {
    "linux": "load the ALSA sequencer: `sudo modprobe snd-seq`, for good: `echo snd-seq | sudo tee "
    "/etc/modules-load.d/snd-seq.conf`; or start JACK and give `--midi-api jack`",
    "darwin": "open Audio MIDI Setup once and try again",
    "win32": "install loopMIDI (tobias-erichsen.de) and add a port named Ghostnote In",
}


def _midi() -> Finding:
    from bridge.midi.rtmidi_ports import list_ports
    from ghostnote.errors import MissingError

    try:
        sources, _ = list_ports()
    except MissingError as error:
        return Finding("MIDI", False, str(error).partition(" (")[0], _NO_MIDI.get(sys.platform, ""))
    if sys.platform == "win32" and not any(name.startswith(("Ghostnote", "loopMIDI")) for name in sources):
        return Finding("MIDI", False, "no loopback port", _NO_MIDI["win32"])
    return Finding("MIDI", True, f"{len(sources)} ports besides our own")


def _osc() -> Finding:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((HOST, PORT))
        except OSError as error:
            if _answers():
                return Finding("OSC port", True, f"{PORT} is answered by a Ghostnote server")
            return Finding("OSC port", False, f"{PORT} is taken ({error})", "another server runs, or give --osc-port")
    return Finding("OSC port", True, f"{PORT} is free")


def _answers() -> bool:
    from ghostnote.errors import MissingError
    from ghostnote.osc.client import query
    from ghostnote.osc.table import STATUS

    try:
        return bool(query(STATUS, HOST, PORT))
    except MissingError:
        return False


def _bundle(bundle: str | None) -> Finding:
    from ghostnote.files.bundle import bundle_folder
    from server.render.renderer import load_renderer

    folder = bundle_folder(bundle)
    renderer = load_renderer(folder)
    text = f"{renderer.manifest.name}, {len(renderer.kits)} kits, runs on {renderer.provider}"
    return Finding("bundle", True, text)


def _realtime() -> Finding:
    if sys.platform != "linux":
        return Finding("realtime", True, "the system decides")
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
    return Finding("realtime", granted.startswith("realtime"), f"priority {granted}, locked memory {memory}", remedy)


def _governor() -> Finding:
    path = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    if not path.is_file():
        return Finding("processor speed", True, "not adjustable here")
    governor = path.read_text().strip()
    remedy = "`sudo cpupower frequency-set -g performance` keeps the processor from slowing down between hops"
    return Finding("processor speed", governor == "performance", f"governor {governor}", remedy)


def _standstills(seconds: float) -> Finding:
    from math import ceil

    from ghostnote.latency import WORK_SECONDS
    from server.system.stalls import PERIOD_SECONDS, in_words, watch_machine

    stalls = watch_machine(seconds)
    longest = max((length for _, length in stalls), default=0.0)
    needed = min(1000, ceil(1000 * (longest + RECOVERY_HOPS * PERIOD_SECONDS)))
    remedy = (
        "for so long a program that wanted a processor got none, and sound is lost where that is longer than the lead "
        "leaves. See to the realtime limits, close other programs and switch power saving off; in a virtual machine it "
        f"may be the host's doing. Or give `--lead {needed}` (ms, for blocks of up to 256 frames): every hit then "
        "comes so much later"
    )
    return Finding(
        "standstills", longest + PERIOD_SECONDS <= WORK_SECONDS, f"{in_words(stalls)}, in {seconds:g} s", remedy
    )
