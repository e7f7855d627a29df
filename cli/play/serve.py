"""`ghostnote serve` and `ghostnote latency`: the server, and the parts of its latency."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from ghostnote.latency import Latency
    from server.serve import ServerInfo


def serve(
    bundle: Annotated[str | None, typer.Option(help="Name or folder of a bundle.")] = None,
    device: Annotated[str | None, typer.Option(help="Output device: its number or part of its name.")] = None,
    block: Annotated[int | None, typer.Option(help="Frames of one device callback; default 128.")] = None,
    rate: Annotated[int | None, typer.Option(help="Frames per second of the device; default the bundle's.")] = None,
    lead: Annotated[
        float | None, typer.Option(help="Milliseconds for rendering; default 9 plus what the block needs.")
    ] = None,
    midi: Annotated[str | None, typer.Option(help="MIDI port to listen to instead of the virtual one.")] = None,
    midi_api: Annotated[str | None, typer.Option(help="MIDI system: alsa, jack, core or winmm.")] = None,
    midi_map: Annotated[str | None, typer.Option(help="Name or file of a MIDI map; default gm.")] = None,
    osc_host: Annotated[str | None, typer.Option(help="Address on which to receive OSC; default 127.0.0.1.")] = None,
    osc_port: Annotated[int | None, typer.Option(help="UDP port of OSC; default 9010.")] = None,
    discover: Annotated[bool | None, typer.Option("--discover", help="Announce OSC by zeroconf.")] = None,
    preset: Annotated[str | None, typer.Option(help="Saved preset to start with.")] = None,
    kit: Annotated[str | None, typer.Option(help="Kit to start with; default the bundle's first.")] = None,
    mode: Annotated[str | None, typer.Option(help="live (default), or window: four beats later.")] = None,
    play: Annotated[
        str | None, typer.Option(help="Play a groove in a loop: the name of a shipped one, or a file.")
    ] = None,
    groove_folder: Annotated[
        str | None, typer.Option(help="Folder for MIDI files of the generated grooves; default none.")
    ] = None,
    record_folder: Annotated[
        str | None, typer.Option(help="Folder for recordings; default the user's music folder.")
    ] = None,
    live_feel: Annotated[
        float | None,
        typer.Option(help="Milliseconds by which the drummer's feel may delay live hits, such as 30; default none."),
    ] = None,
    backend: Annotated[str | None, typer.Option(help="How to play: rtmixer or callback.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads inside the networks; default 1.")] = None,
    provider: Annotated[str | None, typer.Option(help="Where the networks run: cpu (default) or cuda.")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file with these options; lead is lead_ms there.")] = None,
    list_devices: Annotated[bool, typer.Option("--list-devices", help="List output devices and MIDI ports.")] = False,
) -> None:
    """Play what arrives at the MIDI port "Ghostnote In" or by OSC, until Ctrl-C."""
    if list_devices:
        show_devices(midi_api or "auto")
        return
    from server.config import read_config
    from server.serve import serve as run

    given: dict[str, Any] = {
        "bundle": bundle, "device": device, "block": block, "rate": rate, "lead_ms": lead, "midi": midi,
        "midi_api": midi_api, "midi_map": midi_map, "osc_host": osc_host, "osc_port": osc_port, "discover": discover,
        "preset": preset, "kit": kit, "mode": mode, "play": play, "backend": backend, "threads": threads,
        "provider": provider, "record_folder": record_folder, "groove_folder": groove_folder,
        "live_feel_ms": live_feel,
    }  # fmt: skip
    settings = read_config(config, {name: value for name, value in given.items() if value is not None})
    raise typer.Exit(run(settings, announce))


def announce(info: "ServerInfo") -> None:
    """One screen: what is open, the latency, and what to type into a host (docs/daws.md has the details)."""
    from ghostnote.hosts import HOSTS

    console = Console(highlight=False, soft_wrap=True)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    rows = {
        "MIDI in": info.midi_in or f"none: {info.midi_fault}",
        "MIDI out": info.midi_out or "none",
        "OSC": f"{info.osc[0]} port {info.osc[1]} (UDP)",
        "Output": info.output,
        "Rate": f"{info.latency.rate} Hz, block {info.block} frames",
        "Bundle": f"{info.bundle}: {info.bundle_rate} Hz, hop {info.hop} frames, {len(info.kits)} kits",
        "Provider": info.provider,
        "Thread": info.priority,
        "Mode": f"window at {info.tempo:g} quarter notes per minute" if info.latency.window else "live",
        "Latency": latency_text(info.latency),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)
    console.print()
    frames = info.latency.engine if info.through_jack else info.latency.total
    console.print(f"To type into the host: {frames:.0f} samples = {info.latency.milliseconds(frames):.2f} ms")
    if info.through_jack:
        console.print("  (recorded from JACK's graph, before the device; to the loudspeaker it is the total above)")
    for host in HOSTS:
        console.print(f"  {host.name:<14}{host.midi}; {host.field}: {host.text(frames, info.latency.rate)}")
    console.print("\nCtrl-C ends.")


def latency_text(latency: "Latency") -> str:
    """The parts and their sum, in samples and milliseconds."""
    from ghostnote.latency import PARTS

    parts = [f"{name} {getattr(latency, name):.0f}" for name in PARTS if getattr(latency, name)]
    return f"{' + '.join(parts)} = {latency.total:.0f} samples = {latency.milliseconds(latency.total):.2f} ms"


def show_devices(midi_api: str) -> None:
    """Print output devices and MIDI ports, with the numbers and names to use."""
    from bridge.midi.rtmidi_ports import list_ports
    from ghostnote.errors import MissingError
    from server.audio.portaudio import list_outputs

    console = Console(highlight=False, soft_wrap=True)
    devices = list_outputs()
    console.print("Output devices:" if devices else "Output devices: none")
    for d in devices:
        mark = "*" if d.is_default else " "
        console.print(f" {mark}{d.index:3d}  {d.label}, {d.channels} channels, {d.rate:.0f} Hz", markup=False)
    try:
        sources, _ = list_ports(midi_api)
    except MissingError as error:
        console.print(f"MIDI ports: none ({error})", markup=False)
        return
    console.print("MIDI ports to listen to:" if sources else "MIDI ports to listen to: none besides the virtual one")
    for name in sources:
        console.print(f"      {name}", markup=False)


def latency(
    block: Annotated[int, typer.Option(min=16, help="Frames of one device callback.")] = 128,
    rate: Annotated[int, typer.Option(min=8000, help="Frames per second of the device.")] = 48000,
    hop: Annotated[int, typer.Option(min=16, help="Frames that the bundle renders per step.")] = 256,
    device: Annotated[int, typer.Option(min=0, help="Frames from the callback to the loudspeaker.")] = 128,
    tempo: Annotated[
        float | None,
        typer.Option(min=20, max=400, help="Of window mode, quarter notes per minute; without it, live mode."),
    ] = None,
) -> None:
    """Print the declared latency for some settings, part by part; `ghostnote status` shows that of a running server."""
    from ghostnote.latency import Latency, block_wait, default_lead, window_frames
    from server.render.limiter import Limiter

    parts = Latency(
        rate,
        hop=hop,
        lead=default_lead(hop, block, rate),
        limiter=Limiter(rate).lookahead,
        device=device,
        window=window_frames(tempo, rate) if tempo else 0,
    )
    why = {
        **({"window": f"four beats at {tempo:g} quarter notes per minute"} if tempo else {}),
        "hop": "the last hit of a hop must have arrived before it is rendered",
        "lead": f"{block_wait(hop, block)} because the device takes whole blocks, the rest to render in",
        "limiter": "frames of look-ahead",
        "device": "from the callback to the loudspeaker",
        "total": "from a hit's arrival to its sound",
    }
    table = Table("part", "samples", "ms", "", box=None)
    for name, text in why.items():
        frames = getattr(parts, name)
        table.add_row(name, f"{frames:.0f}", f"{parts.milliseconds(frames):.2f}", text)
    Console(highlight=False).print(table)
