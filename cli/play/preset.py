"""`ghostnote preset`: list, show, save and load settings."""

from typing import Annotated

import typer
from rich.console import Console

from cli.options import HOST, PORT, HostOption, PortOption

app = typer.Typer(no_args_is_help=True, help="List, show, save and load settings.")

_Name = Annotated[str, typer.Argument(help="Name of the preset.")]


@app.command("list")
def list_all() -> None:
    """List the saved presets and name the files that cannot be read."""
    from ghostnote.files.preset import list_presets, presets_dir

    console = Console(highlight=False, soft_wrap=True)
    found = list_presets()
    for name in found.names:
        console.print(name, markup=False)
    if not found.names:
        console.print(f"no presets in {presets_dir()} yet: create one with `ghostnote preset save NAME`", markup=False)
    for fault in found.faults.values():
        console.print(f"left alone: {fault}", markup=False, style="red")
    if found.faults:
        raise typer.Exit(1)


@app.command()
def show(name: _Name) -> None:
    """Print a preset as it was read."""
    from ghostnote.files.preset import dump_preset, load_preset

    Console(highlight=False, soft_wrap=True).print(dump_preset(load_preset(name)), markup=False, end="")


@app.command()
def save(
    name: _Name,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a preset of this name.")] = False,
    host: HostOption = HOST,
    port: PortOption = PORT,
) -> None:
    """Save the settings of the running server."""
    from ghostnote.files.preset import parse_preset, save_preset
    from ghostnote.osc.client import OscClient
    from ghostnote.osc.table import SETTINGS

    with OscClient(host, port) as client:
        ((_, (text,)),) = client.ask(SETTINGS)
    path = save_preset(name, parse_preset(str(text), f"of the server at {host}"), overwrite=replace)
    Console(highlight=False, soft_wrap=True).print(f"saved {path}", markup=False)


@app.command()
def load(name: _Name, host: HostOption = HOST, port: PortOption = PORT) -> None:
    """Let the running server play with a preset."""
    from ghostnote.osc.client import OscClient
    from ghostnote.osc.table import PRESET

    with OscClient(host, port) as client:
        client.change(PRESET, [name])
    Console(highlight=False, soft_wrap=True).print(f"loaded {name}", markup=False)
