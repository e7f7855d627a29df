"""Which stroke a hit takes, how loud it is, and when it ends: the rules of a kit, hit by hit.

The same rules choose samples for the sampler and codes for the renderer. Events come in the order of time; what they
decide never depends on how they are cut into hops or windows. Of the events that silence a voice the first counts; of
simultaneous ones the quickest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ghostnote.errors import InputError
from ghostnote.music.articulations import ARTICULATIONS, HAT_LANES, N_LANES, PIECE_OF_LANE
from kits.layers import MAX_VELOCITY, Layered

OPEN_HAT_LANES: Final = frozenset(lane for lane in HAT_LANES if "open" in ARTICULATIONS[lane].name)

TAKEOVER_FADE_S: Final = 0.010
"""A lane's sound ends this fast when another of its choke group is struck: short enough to be masked by the stroke."""
PEDAL_FADE_S: Final = 0.030
"""Cymbals of an open hat meet in about this time when the foot closes them."""
GRAB_FADE_S: Final = 0.060
"""A hand that grabs a cymbal needs about this long to silence it."""
CLOSED_OPENNESS: Final = 0.1
"""A pedal curve that falls below this opening silences an open hat. In the Groove MIDI Dataset 94 % of the closed
strokes lie below, 82 % of the open ones above."""
ROUND_ROBIN_CYCLE: Final = 512
"""Random steps drawn per lane; after so many strokes of a layer the same steps are walked on from where they led."""
BELOW_LOWEST_LAYER: Final = 40.0
"""Below the lowest reference velocity v0 the loudness falls by this times log10(v / v0) [dB]."""


@dataclass(slots=True, eq=False)
class Voice:
    """One stroke that sounds."""

    lane: int
    stroke: int
    """Index of the kit's stroke."""
    order: int
    """How many strokes of the same layer came before."""
    gain: float
    start: int
    """Frame of the stroke's first sample."""
    stop: int
    """Frame at which the fade begins; the natural end where nothing silences it."""
    end: int
    """First frame after the last audible one."""

    def fade(self, frame: int, frames: int) -> None:
        """Fade out over `frames` from `frame` on, unless something silenced the voice before."""
        end = min(frame + frames, self.end)
        if frame < self.stop or (frame == self.stop and end < self.end):
            self.stop, self.end = frame, end


@dataclass(frozen=True)
class _Lane:
    """The layers of one lane."""

    lows: NDArray[np.int64]
    references: NDArray[np.float64]
    loudness: NDArray[np.float64]
    gains: NDArray[np.float64]
    strokes: tuple[tuple[int, int], ...]
    """First stroke and number of strokes of each layer."""
    first_layer: int

    def choose(self, velocity: float) -> tuple[int, float]:
        """velocity 0..127, fractions allowed -> index of the layer in this lane, gain [dB] of its strokes."""
        layer = int(np.searchsorted(self.lows, max(round(velocity), 1), side="right")) - 1
        wanted = float(np.interp(velocity, self.references, self.loudness))
        wanted += BELOW_LOWEST_LAYER * np.log10(min(velocity / self.references[0], 1.0))
        return layer, wanted - self.loudness[layer] + self.gains[layer]


class Striker:
    """Plays one kit: hits, chokes and the pedal in, voices out. Owned by one thread."""

    def __init__(self, kit: Layered, seed: int = 0) -> None:
        """`seed` decides which of equivalent recordings are taken."""
        self.kit, self._seed = kit, seed
        self._lanes = [_lane_of(kit.layers, lane) for lane in range(N_LANES)]
        self._lengths = [int(length) for length in kit.lengths]
        self._mates: dict[int, frozenset[int]] = {
            lane: frozenset(group) for group in kit.choke_groups for lane in group
        }
        self._order: dict[int, int] = {}
        self._open = False
        self.ringing: list[Voice] = []
        """Voices in the order of their hits that `forget` has not removed."""

    def reset(self) -> None:
        """Forget what rings and start the round robins over."""
        self.ringing.clear()
        self._order.clear()
        self._open = False

    def strike(self, frame: int, lane: int, velocity: float) -> Voice:
        """A hit at `frame`; velocity above 0 and up to 1. Silences the other voices of its choke group."""
        of_lane = self._lanes[lane]
        layer, gain_db = of_lane.choose(velocity * MAX_VELOCITY)
        first, count = of_lane.strokes[layer]
        order = self._order.get(of_lane.first_layer + layer, 0)
        self._order[of_lane.first_layer + layer] = order + 1
        if mates := self._mates.get(lane):
            fade = round(TAKEOVER_FADE_S * self.kit.sample_rate)
            for voice in self.ringing:
                if voice.lane in mates:
                    voice.fade(frame, fade)
        stroke = first + _pick(self._seed, lane, order, count)
        end = frame + self._lengths[stroke]
        voice = Voice(lane, stroke, order, 10 ** (gain_db / 20), frame, end, end)
        self.ringing.append(voice)
        return voice

    def choke(self, frame: int, lane: int) -> None:
        """A hand grabs the piece to which `lane` belongs."""
        piece = PIECE_OF_LANE[lane]
        self._silence(frame, (v for v in self.ringing if PIECE_OF_LANE[v.lane] == piece), GRAB_FADE_S)

    def pedal(self, frame: int, openness: float) -> None:
        """The hi-hat's pedal is at `openness` 0..1 from `frame` on; closing it silences open hats."""
        was_open, self._open = self._open, openness >= CLOSED_OPENNESS
        if was_open and not self._open:
            self._silence(frame, (v for v in self.ringing if v.lane in OPEN_HAT_LANES), PEDAL_FADE_S)

    def forget(self, frame: int) -> list[Voice]:
        """Remove the voices that have ended before `frame`; returns them."""
        ended = [voice for voice in self.ringing if voice.end <= frame]
        if ended:
            self.ringing = [voice for voice in self.ringing if voice.end > frame]
        return ended

    def _silence(self, frame: int, voices: Iterable[Voice], seconds: float) -> None:
        fade = round(seconds * self.kit.sample_rate)
        for voice in voices:
            if voice.start < frame:
                voice.fade(frame, fade)


@lru_cache(maxsize=64)
def fade_out(frames: int) -> NDArray[np.float32]:
    """Raised-cosine fade from one to zero, [frames]."""
    ramp = (np.arange(frames) + 0.5) / frames
    return (0.5 + 0.5 * np.cos(np.pi * ramp)).astype(np.float32)


def check_hits(hits: NDArray[np.void]) -> None:
    """Raises InputError for lanes or velocities that no kit can play."""
    lane, velocity = hits["lane"], hits["velocity"]
    if np.any((lane < 0) | (lane >= N_LANES)) or not np.all((velocity > 0) & (velocity <= 1)):
        raise InputError("hits should have lanes 0..21 and velocities above 0 and up to 1")


def _lane_of(layers: NDArray[np.void], lane: int) -> _Lane:
    at = np.flatnonzero(layers["lane"] == lane)
    mine = layers[at]
    return _Lane(
        mine["velocity_low"].astype(np.int64),
        mine["reference_velocity"].astype(np.float64),
        mine["loudness_db"].astype(np.float64),
        mine["gain_db"].astype(np.float64),
        tuple((int(first), int(count)) for first, count in zip(mine["first_stroke"], mine["n_strokes"], strict=True)),
        int(at[0]),
    )


def _pick(seed: int, lane: int, order: int, count: int) -> int:
    """Which of `count` equivalent recordings stroke number `order` takes: a random walk around a circle of them.

    Every step goes 1..count-1 places on, so the same recording never comes twice in a row where there is a choice.
    """
    if count == 1:
        return 0
    walked = _walk(seed, count)[lane]
    cycles, place = divmod(order, ROUND_ROBIN_CYCLE)
    return int((cycles * walked[-1] + walked[place]) % count)


@lru_cache(maxsize=64)
def _walk(seed: int, choices: int) -> NDArray[np.int64]:
    """Places walked after each of a cycle's random steps, [N_LANES, ROUND_ROBIN_CYCLE]."""
    steps = np.random.default_rng(seed).random((N_LANES, ROUND_ROBIN_CYCLE))
    return np.cumsum(1 + (steps * (choices - 1)).astype(np.int64), axis=1)
