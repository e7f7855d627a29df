"""Display names of the nine pieces and their articulations, and the fader's scale in dB."""

from typing import Final

from ghostnote.files.preset import LEVEL_DB
from ghostnote.music.articulations import ARTICULATIONS, PIECES, lanes_of_piece

TITLES: Final[dict[str, str]] = dict(
    zip(
        PIECES,
        ("Kick", "Snare", "High tom", "Mid tom", "Low tom", "Hi-hat", "Crash 1", "Crash 2", "Ride"),
        strict=True,
    )
)
_WAYS: Final = {
    "snare_rim": "Rim", "side_stick": "Side stick", "hat_closed_bow": "Closed", "hat_closed_edge": "Closed, edge",
    "hat_open_bow": "Open", "hat_open_edge": "Open, edge", "hat_pedal": "Pedal", "ride_bow": "Bow",
    "ride_edge": "Edge", "ride_bell": "Bell",
}  # fmt: skip
_UNITY: Final = 0.75
"""Position of 0 dB on a fader."""
_BEND: Final = 1.8


def ways_of(piece: str) -> list[tuple[str, str]]:
    """(articulation, its name) of a piece, the usual one first."""
    names = [ARTICULATIONS[lane].name for lane in lanes_of_piece(piece)]
    return [(name, way_title(name)) for name in names]


def way_title(articulation: str) -> str:
    """The display name of an articulation, without its piece."""
    if articulation in _WAYS:
        return _WAYS[articulation]
    return articulation.rpartition("_")[2].capitalize() if articulation.endswith(("_rim", "_edge")) else "Normal"


def fader_db(position: float) -> float:
    """Level [dB] at a position 0..1 of a fader: off at the lower end, 0 dB at three quarters."""
    low, high = LEVEL_DB
    if position >= _UNITY:
        return high * (position - _UNITY) / (1 - _UNITY)
    return low * (1 - position / _UNITY) ** _BEND


def fader_position(db: float) -> float:
    """The position 0..1 of a level; the inverse of `fader_db`."""
    low, high = LEVEL_DB
    if db >= 0:
        return _UNITY + db / high * (1 - _UNITY)
    return _UNITY * (1 - (db / low) ** (1 / _BEND))


def db_text(db: float) -> str:
    """A level in words: "-3.0", "off"."""
    return "off" if db <= LEVEL_DB[0] else f"{db:+.1f}" if db else "0.0"
