"""`ghostnote app`: the window. Its subcommands are the processes that the window starts, not for users."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bridge.midi.jack_ports import JackPorts
    from bridge.midi.learn import MapLearner
    from bridge.midi.rtmidi_ports import MidiPorts

app = typer.Typer(invoke_without_command=True, subcommand_metavar="")


@app.callback()
def window(
    context: typer.Context,
    bundle: Annotated[str | None, typer.Option(help="Name or folder of a bundle.")] = None,
    device: Annotated[str | None, typer.Option(help="Output device: its number or part of its name.")] = None,
    osc_port: Annotated[int | None, typer.Option(min=1, max=65535, help="UDP port of OSC; default 9010.")] = None,
) -> None:
    """Open the window: kits, pads, mixer, rendering and the set-up for your DAW."""
    if context.invoked_subcommand:
        return
    from desktop.app import run_app

    given = {"bundle": bundle, "device": device, "osc_port": osc_port}
    raise typer.Exit(run_app({name: value for name, value in given.items() if value is not None}))


@app.command("server", hidden=True)
def server(
    bundle: Annotated[str | None, typer.Option()] = None,
    device: Annotated[str | None, typer.Option()] = None,
    rate: Annotated[int | None, typer.Option()] = None,
    block: Annotated[int | None, typer.Option()] = None,
    midi: Annotated[str | None, typer.Option()] = None,
    midi_map: Annotated[str | None, typer.Option()] = None,
    osc_port: Annotated[int | None, typer.Option()] = None,
    spare: Annotated[
        bool, typer.Option("--spare", help="Load, then wait for a line before anything is opened.")
    ] = False,
) -> None:
    """`ghostnote serve` that exits when its standard input is closed, as happens when the window's process is gone."""
    from cli.play.serve import announce
    from server.config import read_config
    from server.serve import serve
    from server.system.restart import RESUME

    given = {
        "bundle": bundle, "device": device, "rate": rate, "block": block, "midi": midi, "midi_map": midi_map,
        "osc_port": osc_port,
    }  # fmt: skip
    config = read_config(None, {name: value for name, value in given.items() if value is not None})
    raise typer.Exit(serve(config, announce, wait=_wait if spare and RESUME not in os.environ else _begin))


def _wait() -> bool:
    """Wait for a line; False when standard input ends instead."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    return bool(os.read(0, 4096)) and _begin()


def _begin() -> bool:
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    return True


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    signal.raise_signal(signal.SIGTERM)


@app.command("devices", hidden=True)
def devices() -> None:
    """Output devices and MIDI sources as JSON, for the window's set-up page."""
    from bridge.midi.rtmidi_ports import list_ports
    from ghostnote.errors import GhostnoteError
    from server.audio.portaudio import list_outputs

    found: dict[str, list[str]] = {"outputs": [], "sources": [], "faults": []}
    try:
        found["outputs"] = [device.label for device in list_outputs()]
    except (GhostnoteError, OSError) as error:
        found["faults"].append(str(error))
    try:
        found["sources"] = list(list_ports("auto")[0])
    except GhostnoteError as error:
        found["faults"].append(str(error))
    json.dump(found, sys.stdout)


@app.command("learn", hidden=True)
def learn(midi: Annotated[str | None, typer.Option(help="MIDI port to listen to.")] = None) -> None:
    """Learn a map for the window: commands on standard input, what is received and learned as JSON lines.

    Commands: "note ARTICULATION", "pedal", "choke", "drop" (forget what was received), "save NAME".
    """
    from bridge.midi.learn import MapLearner
    from ghostnote.errors import GhostnoteError

    learner = MapLearner()

    def receive(_: float, data: bytes) -> None:
        learner.receive(data)
        if len(data) == 3 and data[0] & 0xF0 == 0x90 and data[2]:
            _say(received=data[1])

    ports = _open_ports(receive, midi)
    try:
        _say(ready=ports.names[0])
        for line in sys.stdin:
            try:
                _say(**_learn(learner, *line.split(maxsplit=1)))
            except GhostnoteError as error:
                _say(fault=str(error))
    finally:
        ports.stop()


def _open_ports(receive: "Callable[[float, bytes], None]", midi: str | None) -> "JackPorts | MidiPorts":
    from bridge.midi.jack_ports import JackPorts, jack_available
    from bridge.midi.rtmidi_ports import MidiPorts
    from ghostnote.errors import MissingError

    ports: JackPorts | MidiPorts = MidiPorts(receive, lambda: None, midi, "auto")
    try:
        ports.start()
    except MissingError:
        if not jack_available():
            raise
        ports = JackPorts(receive, lambda: None, midi)
        ports.start()
    return ports


def _learn(learner: "MapLearner", command: str, argument: str = "") -> dict[str, Any]:
    from cli.setup.map import new_map_path, save_learned

    received, argument = learner.fresh(), argument.strip()
    match command:
        case "note":
            return {"learned": learner.learn_note(argument, received), "articulation": argument}
        case "pedal":
            return {"controller": learner.learn_pedal(received)}
        case "choke":
            return {"choke": learner.learn_choke(received)}
        case "save":
            path = new_map_path(argument, replace=True)
            save_learned(learner, path)
            return {"saved": path.stem}
        case _:
            return {"dropped": len(received.notes)}


def _say(**values: Any) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()
