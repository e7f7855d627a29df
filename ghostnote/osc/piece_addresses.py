"""The addresses of single pieces: level, pan, and what they sound like."""

from collections.abc import Mapping
from typing import Final

from ghostnote.events import PieceAspect, SetLevel, SetPan, SetPieceSound
from ghostnote.files.preset import DAMP, LEVEL_DB, PAN, TONE, TUNE, PieceSound
from ghostnote.osc.schema import ROOT, Address, Argument

LEVELS: Final = f"{ROOT}/level"

_PIECE_ARGUMENTS: Final[Mapping[PieceAspect, tuple[str, Argument]]] = {
    "kit": ('The kit that {} is taken from, "" = that of all pieces.', Argument("kit", "s", of_state="piece_kits")),
    "tune": ("Tuning of {}.", Argument("tune", "f", *TUNE, "semitones")),
    "damp": ("Damping of {}: 0 as recorded, 1 dry.", Argument("damp", "f", *DAMP)),
    "tone": ("Tone of {}: -1 dark, 0 as recorded, 1 bright.", Argument("tone", "f", *TONE)),
}


def level_address(piece: str) -> Address:
    """Its level in dB."""
    return Address(
        f"{LEVELS}/{piece}",
        f"Level of the {piece}; {LEVEL_DB[0]:g} dB is off.",
        (Argument("level", "f", *LEVEL_DB, "dB"),),
        lambda s: (s.settings.levels.get(piece, 0.0),),
        lambda s, at, a: [SetLevel(piece, float(a[0]))],
        feedback=True,
    )


def pan_address(piece: str) -> Address:
    """Its position."""
    return Address(
        f"{ROOT}/pan/{piece}",
        f"Position of the {piece}: -1 left, 1 right.",
        (Argument("pan", "f", *PAN),),
        lambda s: (s.settings.pans.get(piece, 0.0),),
        lambda s, at, a: [SetPan(piece, float(a[0]))],
        feedback=True,
    )


def sound_address(piece: str, aspect: PieceAspect) -> Address:
    """Its kit, tuning, damping or tone."""
    text, argument = _PIECE_ARGUMENTS[aspect]
    return Address(
        f"{ROOT}/piece/{piece}/{aspect}",
        text.format(f"the {piece.replace('_', ' ')}"),
        (argument,),
        lambda s: (getattr(s.settings.pieces.get(piece, PieceSound()), aspect),),
        lambda s, at, a: [SetPieceSound(piece, aspect, a[0])],
        feedback=True,
    )
