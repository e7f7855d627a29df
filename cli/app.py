"""`ghostnote app`: the window. Its subcommands are the processes that the window starts; they are not for typing."""

import json
import os
import signal
import sys
import threading
from typing import Annotated

import typer

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


@app.command("server", hidden=True, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def server(context: typer.Context) -> None:
    """`ghostnote serve` that ends when its standard input is closed, as it is when the window's process is gone."""
    from cli.main import run

    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    raise typer.Exit(run(["serve", *context.args]))


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    signal.raise_signal(signal.SIGTERM)


@app.command("devices", hidden=True)
def devices() -> None:
    """Output devices and MIDI sources as JSON, for the window's set-up page."""
    from bridge.midi_ports import list_ports
    from ghostnote.errors import GhostnoteError
    from server.audio import list_outputs

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
