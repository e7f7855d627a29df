"""The 22 articulations: the one table from which lanes, notes, pieces and choke groups follow.

Notes are those of the Roland TD-17 as used by the Groove MIDI Dataset and E-GMD; other maps are data
(presets/midi_maps). A lane is an articulation's index in `ARTICULATIONS`, 0..21, and never changes: trained models
depend on it.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Articulation:
    """One way of striking one piece of the kit."""

    name: str
    note: int
    """MIDI note of the TD-17 map."""
    piece: str
    """The piece it belongs to, one of `PIECES`."""


ARTICULATIONS: Final = tuple(
    Articulation(*row)
    for row in (
        ("kick", 36, "kick"),
        ("snare", 38, "snare"),
        ("snare_rim", 40, "snare"),
        ("side_stick", 37, "snare"),
        ("tom_high", 48, "tom_high"),
        ("tom_high_rim", 50, "tom_high"),
        ("tom_mid", 45, "tom_mid"),
        ("tom_mid_rim", 47, "tom_mid"),
        ("tom_low", 43, "tom_low"),
        ("tom_low_rim", 58, "tom_low"),
        ("hat_closed_bow", 42, "hat"),
        ("hat_closed_edge", 22, "hat"),
        ("hat_open_bow", 46, "hat"),
        ("hat_open_edge", 26, "hat"),
        ("hat_pedal", 44, "hat"),
        ("crash_1", 49, "crash_1"),
        ("crash_1_edge", 55, "crash_1"),
        ("crash_2", 57, "crash_2"),
        ("crash_2_edge", 52, "crash_2"),
        ("ride_bow", 51, "ride"),
        ("ride_edge", 59, "ride"),
        ("ride_bell", 53, "ride"),
    )
)
N_LANES: Final = len(ARTICULATIONS)
PIECES: Final = ("kick", "snare", "tom_high", "tom_mid", "tom_low", "hat", "crash_1", "crash_2", "ride")
LANE_OF_NAME: Final = {a.name: lane for lane, a in enumerate(ARTICULATIONS)}
PIECE_OF_LANE: Final = tuple(PIECES.index(a.piece) for a in ARTICULATIONS)
MOST_LANES: Final = max(PIECE_OF_LANE.count(piece) for piece in range(len(PIECES)))
"""The number of lanes of the piece that has the most."""
HAT_LANES: Final = tuple(lane for lane, a in enumerate(ARTICULATIONS) if a.piece == "hat")
CYMBAL_LANES: Final = tuple(lane for lane, a in enumerate(ARTICULATIONS) if a.piece in ("crash_1", "crash_2", "ride"))


def lanes_of_piece(piece: str) -> tuple[int, ...]:
    """Lanes of `piece`, in table order. Raises KeyError for a name that is not in `PIECES`."""
    if piece not in PIECES:
        raise KeyError(piece)
    return tuple(lane for lane, a in enumerate(ARTICULATIONS) if a.piece == piece)
