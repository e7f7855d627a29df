"""`ghostnote osc`: query or change a running server from the shell; write the pages generated from the OSC table."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from cli.options import HOST, PORT, HostOption, PortOption

DOCS = Path("docs/osc.md")
LAYOUT = Path("presets/controllers/open_stage_control.json")


app = typer.Typer(
    invoke_without_command=True,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": True},  # -6 is a value, not an option
    subcommand_metavar="",
)


@app.callback()
def osc(
    address: Annotated[str, typer.Argument(help="Such as /ghostnote/kit; patterns such as /ghostnote/level/*.")] = "",
    values: Annotated[list[str] | None, typer.Argument(help="Values to set; none = query.")] = None,
    host: HostOption = HOST,
    port: PortOption = PORT,
    docs: Annotated[bool, typer.Option("--docs", help=f"Write {DOCS} and {LAYOUT} in this folder.")] = False,
) -> None:
    """Send an OSC message to a running server and print the reply; without an address, list all of them."""
    console = Console(highlight=False, soft_wrap=True)
    if docs:
        _write(console)
    elif not address:
        _list(console)
    else:
        from ghostnote.osc.client import OscClient, parse_values
        from ghostnote.osc.table import find, unknown_address

        if not find(address):
            raise unknown_address(address)
        with OscClient(host, port) as client:
            wanted = parse_values(address, values or [])
            asks = not wanted and any(row.read for row in find(address))
            for path, found in client.ask(address) if asks else client.change(address, wanted):
                console.print(f"{path} {_text(found)}", markup=False)


def _text(values: tuple[Any, ...]) -> str:
    return " ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)


def _list(console: Console) -> None:
    from ghostnote.osc.table import TABLE

    for row in TABLE:
        console.print(f"[bold]{row.path}[/bold]  {row.about}", emoji=False)


def _write(console: Console) -> None:
    from ghostnote.osc.docs import osc_markdown
    from ghostnote.osc.layout import open_stage_control

    for path, text in ((DOCS, osc_markdown()), (LAYOUT, open_stage_control())):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        console.print(f"wrote {path}")
