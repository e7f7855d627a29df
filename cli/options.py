"""Options that several commands have."""

from typing import Annotated, Final

import typer

from ghostnote.osc.limits import DEFAULT_HOST, DEFAULT_PORT

HOST: Final = DEFAULT_HOST
PORT: Final = DEFAULT_PORT
HostOption = Annotated[str, typer.Option(help="Address of the server.")]
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="UDP port of the server.")]
BundleOption = Annotated[
    str | None, typer.Option(help="Bundle by name or folder; the shipped default if not given.", show_default=False)
]
KitOption = Annotated[str, typer.Option(help="Kit by id (see `ghostnote kits`); the first if empty.")]
