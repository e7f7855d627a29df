"""Which pieces share a pass through the networks: those of one level and pan, and more where there is no time for all.

A pass costs time in every hop. Where `most` passes have room in a hop, the nearest levels are put together until no
more are left; pieces that share get the mean of their levels [dB] and pans. What is off stays off.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import hypot, inf
from statistics import fmean
from typing import Final

from ghostnote.articulations import PIECES
from ghostnote.preset import LEVEL_DB

Group = tuple[str, ...]
"""Pieces that share a pass, in the order of PIECES."""
PAN_DB: Final = 12.0
"""A pan to one side counts as much as so many decibels when the nearest are looked for."""


@dataclass(frozen=True)
class Share:
    """Pieces in one pass."""

    group: Group
    level: float
    """dB, -inf = off."""
    pan: float
    alone: bool = False
    """A pass that was asked for: nobody joins it."""


def share_passes(
    levels: Mapping[str, float], pans: Mapping[str, float], alone: Collection[str] = (), most: int | None = None
) -> list[Share]:
    """Passes for all pieces, at most `most` where that can be had, in the order of their first pieces.

    `levels` [dB] and `pans` of every piece; those `alone` get a pass each. Pieces that are off share one of their own.
    """
    keys: dict[tuple[str, float, float], list[str]] = {}
    for piece in PIECES:
        off = levels[piece] <= LEVEL_DB[0]
        key = (piece if piece in alone else "", -inf if off else levels[piece], 0.0 if off else pans[piece])
        keys.setdefault(key, []).append(piece)
    shares = [Share(tuple(group), level, pan, bool(one)) for (one, level, pan), group in keys.items()]
    while most is not None and len(shares) > most:
        pairs = [pair for pair in combinations(shares, 2) if all(not one.alone and one.level > -inf for one in pair)]
        if not pairs:
            break
        nearest = min(pairs, key=_distance)
        shares = [one for one in shares if one not in nearest]
        shares.append(_together(nearest, levels, pans))
    return sorted(shares, key=lambda one: PIECES.index(one.group[0]))


def off_by(shares: Collection[Share], levels: Mapping[str, float], pans: Mapping[str, float]) -> float:
    """The most that a piece is louder or quieter than asked for [dB]; a pan counts as in `PAN_DB`."""
    sound = [one for one in shares if one.level > -inf]
    return max((_far(one.level - levels[p], one.pan - pans[p]) for one in sound for p in one.group), default=0.0)


def _distance(pair: tuple[Share, Share]) -> float:
    return _far(pair[0].level - pair[1].level, pair[0].pan - pair[1].pan)


def _far(level: float, pan: float) -> float:
    return hypot(level, PAN_DB * pan)


def _together(pair: tuple[Share, Share], levels: Mapping[str, float], pans: Mapping[str, float]) -> Share:
    group = tuple(piece for piece in PIECES if any(piece in one.group for one in pair))
    return Share(group, fmean(levels[piece] for piece in group), fmean(pans[piece] for piece in group))
