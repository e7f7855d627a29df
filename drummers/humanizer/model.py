"""The humaniser: a quantised pattern in, a performed pattern out, in the feel of a drummer and a style.

It draws, hit by hit, how late and how hard each is played, from distributions learnt from the Groove MIDI Dataset, and
is fed what it has played, so that lateness and loudness drift as in a take rather than jitter.
"""

import difflib
import math
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drummers.common.model_folder import MODELS_DIR, load_folder
from drummers.common.styles import STYLES
from drummers.humanizer.features import N_DRUMMERS, SLOTS, Pattern, PlayingStyle, levels_of, pattern_of
from drummers.humanizer.live import LiveHumanizer
from drummers.humanizer.network import HitNetwork, perform
from ghostnote.errors import InputError
from ghostnote.music.articulations import HAT_LANES
from ghostnote.music.performance import Performance

KIND: Final = "humanizer"
FOLDER: Final = MODELS_DIR / KIND
"""The shipped model."""
TEMPI: Final = (20.0, 400.0)
_TAIL: Final = 64
"""Hits before a bar that are remembered as its context."""


def feel_for(drummer: int, style: str | None) -> PlayingStyle:
    """The feel of drummer 0 (unknown) or 1..10 and a style of STYLES ("rock/halftime" is rock), None or "": unknown.

    Raises InputError for others, with the nearest style.
    """
    if not 0 <= drummer < N_DRUMMERS:
        raise InputError(f"there is no drummer {drummer}: choose 1 to {N_DRUMMERS - 1}, or 0 for none in particular")
    if not style:
        return PlayingStyle(drummer)
    name = style.strip().lower().split("/")[0]
    if name not in STYLES:
        near = difflib.get_close_matches(name, STYLES, 1, 0.0)[0]
        raise InputError(f"unknown style '{style}': did you mean {near}? Known are {', '.join(STYLES)}")
    return PlayingStyle(drummer, STYLES.index(name) + 1)


def check_amount(amount: float) -> None:
    """Raise InputError unless the amount is 0..1."""
    if not 0 <= amount <= 1:
        raise InputError(f"amount {amount:g} is out of range: 0 (as written) to 1 (as the drummer plays)")


class Humanizer:
    """Plays patterns. Raises MissingError or BundleError for a folder that cannot be used."""

    def __init__(self, folder: Path = FOLDER) -> None:
        model = load_folder(folder, KIND)
        self.network = HitNetwork(model, "file")
        self._live = HitNetwork(model, "live")

    def humanize(
        self, performance: Performance, *, drummer: int, style: str | None = None, amount: float = 1.0, seed: int = 0
    ) -> Performance:
        """The performance as the drummer would play it; as many hits, in time order.

        style None: that of the performance where it is one of STYLES. amount: 0 gives the performance unchanged, 1 the
        drummer's timing and velocity, between them a part of the way. Velocities of a piece that differ are taken as
        requests for soft, normal and hard hits. The pedal follows its strokes. The same input gives the same output.
        Raises InputError for an unknown drummer or style, an amount out of range, no hits, and tempi out of 20..400.
        """
        if style is None:
            style = performance.style if performance.style.split("/")[0] in STYLES else None
        take = self.begin(drummer=drummer, style=style, amount=amount, seed=seed)
        if not len(performance.hits):
            name = f"performance '{performance.name}'" if performance.name else "the performance"
            raise InputError(f"{name} has no drum hits: there is nothing to humanise")
        return take.play(performance)

    def begin(self, *, drummer: int, style: str | None = None, amount: float = 1.0, seed: int = 0) -> "HumanizedTake":
        """A take to be played bar by bar, for grooves that are known a bar ahead. Raises InputError like `humanize`."""
        check_amount(amount)
        return HumanizedTake(self.network, feel_for(drummer, style), amount, seed)

    def live(
        self,
        *,
        drummer: int,
        style: str | None = None,
        bpm: float = 120.0,
        meter: tuple[int, int] = (4, 4),
        amount: float = 1.0,
        longest: float = 0.03,
        seed: int = 0,
    ) -> LiveHumanizer:
        """A humaniser for hits that are played in, see `LiveHumanizer`. Raises InputError like `humanize`."""
        check_amount(amount)
        check_tempo(bpm)
        if not 0 < longest <= 0.1:
            raise InputError(f"longest delay {longest:g} s is out of range: up to 0.1 s")
        return LiveHumanizer(self._live, feel_for(drummer, style), bpm, meter, amount, longest, seed)


def check_tempo(bpm: float) -> None:
    """Raise InputError unless the tempo can be humanised."""
    low, high = TEMPI
    if not (math.isfinite(bpm) and low <= bpm <= high):
        raise InputError(f"{bpm:g} bpm cannot be humanised: tempi from {low:g} to {high:g} can")


class HumanizedTake:
    """One take of a drummer, who remembers how the bars before were played."""

    def __init__(self, network: HitNetwork, feel: PlayingStyle, amount: float, seed: int) -> None:
        self._network, self._feel, self._amount = network, feel, amount
        self._rng = np.random.default_rng(seed)
        self._history = network.history(feel, self._rng)
        self._before: Pattern | None = None

    def play(self, performance: Performance, start: float = 0.0) -> Performance:
        """The next bars, humanised. `start` [quarter notes] is where their time 0 lies; a barline.

        A hit can come before time 0, but not before the start of the take. Bars without hits are fine.
        """
        check_tempo(performance.bpm)
        if self._amount == 0 or not len(performance.hits):
            return performance
        pattern, order = pattern_of(performance)
        hits = performance.hits[order]
        time, velocity = hits["time"].astype(np.float64), hits["velocity"].astype(np.float64)
        level = levels_of(pattern.lane, velocity)
        second = 60 / performance.bpm
        slot = pattern.slot + round(start * SLOTS)
        offset, loud = self._perform(replace(pattern, slot=slot, level=level))
        wanted = np.maximum(pattern.slot * second / SLOTS + offset, -start * second)
        moved = performance.hits.copy()
        moved["time"][order] = time + self._amount * (wanted - time)
        moved["velocity"][order] = velocity + self._amount * (loud - velocity)
        return _moved(performance, moved)

    def _perform(self, pattern: Pattern) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        whole = pattern if self._before is None else joined(self._before, pattern)
        hidden = self._network.hidden(whole, self._feel, len(pattern.slot))
        self._before = tail(whole, _TAIL)
        return perform(self._network, pattern, hidden, self._history, self._rng)


def joined(before: Pattern, after: Pattern) -> Pattern:
    """Two patterns, of which the second comes later."""
    parts = {name: np.concatenate([getattr(p, name) for p in (before, after)]) for name in ("slot", "lane", "level")}
    return replace(after, **parts)


def tail(pattern: Pattern, hits: int) -> Pattern:
    """The last hits of a pattern."""
    return replace(pattern, slot=pattern.slot[-hits:], lane=pattern.lane[-hits:], level=pattern.level[-hits:])


def _moved(performance: Performance, hits: NDArray[np.void]) -> Performance:
    """The performance with its hits moved, in their old order; the pedal and the chokes move with them."""
    was, shift = performance.hits["time"], hits["time"] - performance.hits["time"]
    feet = np.isin(hits["lane"], HAT_LANES)
    openness, chokes = performance.openness.copy(), performance.chokes.copy()
    if feet.any():
        openness["time"] += np.interp(openness["time"], was[feet], shift[feet])
    chokes["time"] += np.interp(chokes["time"], was, shift)
    hits, openness, chokes = (a[np.argsort(a["time"], kind="stable")] for a in (hits, openness, chokes))
    duration = max(performance.duration, float(hits["time"][-1]))
    return replace(performance, hits=hits, openness=openness, chokes=chokes, duration=duration)
