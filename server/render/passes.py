"""Which pieces share a pass through the networks: none, but where there is no time for a pass for each.

A piece sounds truest in a pass of its own. Where only `most` passes have room in a hop, those that are off share one,
and of the others the nearest in level and pan are put together, toms with toms and cymbals with cymbals first, until no
more are left; pieces that share get the mean of their levels [dB] and pans. What is off stays off.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import hypot, inf
from statistics import fmean
from typing import Final

from ghostnote.files.preset import LEVEL_DB
from ghostnote.music.articulations import PIECES

Group = tuple[str, ...]
"""Pieces that share a pass, in the order of PIECES."""
PAN_DB: Final = 12.0
"""A pan to one side counts as much as so many decibels when the nearest are looked for."""
KINDS: Final = (("tom_high", "tom_mid", "tom_low"), ("crash_1", "crash_2", "ride"), ("kick",), ("snare",), ("hat",))
"""Pieces that sound least wrong together."""


@dataclass(frozen=True)
class Share:
    """Pieces in one pass."""

    group: Group
    level: float
    """dB, -inf = off."""
    pan: float


def share_passes(levels: Mapping[str, float], pans: Mapping[str, float], most: int | None = None) -> list[Share]:
    """Passes for all pieces, at most `most` where that can be had, in the order of their first pieces.

    `levels` [dB] and `pans` of every piece.
    """
    shares = [_share((piece,), levels, pans) for piece in PIECES]
    while most is not None and len(shares) > most:
        pairs = [pair for pair in combinations(shares, 2) if (pair[0].level == -inf) == (pair[1].level == -inf)]
        if not pairs:
            break
        nearest = min(pairs, key=_strangeness)
        shares = [one for one in shares if one not in nearest]
        group = tuple(piece for piece in PIECES if any(piece in one.group for one in nearest))
        shares.append(_share(group, levels, pans))
    return sorted(shares, key=lambda one: PIECES.index(one.group[0]))


def level_error_db(shares: Collection[Share], levels: Mapping[str, float], pans: Mapping[str, float]) -> float:
    """The most that a piece is louder or quieter than asked for [dB]; a pan counts as in `PAN_DB`."""
    sound = [one for one in shares if one.level > -inf]
    return max((_far(one.level - levels[p], one.pan - pans[p]) for one in sound for p in one.group), default=0.0)


def _strangeness(pair: tuple[Share, Share]) -> tuple[float, int, int]:
    group = pair[0].group + pair[1].group
    kinds = sum(any(piece in kind for piece in group) for kind in KINDS)
    off = pair[0].level == -inf
    return -1.0 if off else _far(pair[0].level - pair[1].level, pair[0].pan - pair[1].pan), kinds, len(group)


def _far(level: float, pan: float) -> float:
    return hypot(level, PAN_DB * pan)


def _share(group: Group, levels: Mapping[str, float], pans: Mapping[str, float]) -> Share:
    """`group`: pieces of which all are off, or none."""
    if levels[group[0]] <= LEVEL_DB[0]:
        return Share(group, -inf, 0.0)
    return Share(group, fmean(levels[piece] for piece in group), fmean(pans[piece] for piece in group))
