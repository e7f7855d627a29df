"""Where the commands that talk to a running server find it."""

from typing import Annotated, Final

import typer

HOST: Final = "127.0.0.1"
PORT: Final = 9010
HostOption = Annotated[str, typer.Option(help="Address of the server.")]
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="UDP port of the server.")]
