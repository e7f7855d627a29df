"""Options that several commands have."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ghostnote.errors import InputError
from ghostnote.osc.limits import DEFAULT_HOST, DEFAULT_PORT

if TYPE_CHECKING:
    from ghostnote.files.preset import PieceSound

HOST: Final = DEFAULT_HOST
PORT: Final = DEFAULT_PORT
HostOption = Annotated[str, typer.Option(help="Address of the server.")]
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="UDP port of the server.")]
BundleOption = Annotated[
    str | None, typer.Option(help="Bundle by name or folder; the shipped default if not given.", show_default=False)
]
PieceOption = Annotated[
    list[str],
    typer.Option(
        metavar="PIECE=...",
        help="Sound of one piece: snare=tr808, snare=tr808,tune=-2,damp=0.3,tone=0.5 or hat=tone=-1; may be repeated.",
        show_default=False,
    ),
]
KitOption = Annotated[str, typer.Option(help="Kit by id (see `ghostnote kits`); the first if empty.")]


def parse_pieces(texts: Sequence[str]) -> "dict[str, PieceSound]":
    """What `PieceOption` says, by piece. Raises InputError."""
    from ghostnote.files.preset import PIECE_ASPECTS, PieceSound
    from ghostnote.music.articulations import PIECES

    found: dict[str, PieceSound] = {}
    for text in texts:
        piece, _, rest = text.partition("=")
        if piece not in PIECES or not rest:
            raise InputError(
                f"--piece {text}: expected PIECE=KIT or PIECE=tune=-2,..., PIECE one of {', '.join(PIECES)}"
            )
        values: dict[str, str | float] = {}
        for part in rest.split(","):
            name, given, value = part.rpartition("=")
            aspect = name if given else "kit"
            if aspect not in PIECE_ASPECTS:
                raise InputError(f"--piece {text}: {aspect!r} is unknown, known are {', '.join(PIECE_ASPECTS)}")
            try:
                values[aspect] = value if aspect == "kit" else float(value)
            except ValueError:
                raise InputError(f"--piece {text}: {aspect} is {value!r}, expected a number") from None
        try:
            found[piece] = PieceSound(**values)  # type: ignore[arg-type]
        except ValueError as error:
            raise InputError(f"--piece {text}: {error}") from None
    return found
