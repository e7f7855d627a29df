"""The sample-accurate mixer: hits of a performance become voices, voices become audio.

A voice is one recording that starts at one frame with one gain and may be faded before its natural end. Which voices
there are never depends on the window or the lanes that are mixed, so a window equals the slice of the whole mix and
stems add up to it. A caller that works hop by hop keeps its voices itself: `voices(..., earlier=ringing)`,
`mix_voices`, `still_needed`.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ghostnote.articulations import (
    ARTICULATIONS,
    HAT_LANES,
    N_LANES,
    PIECE_OF_LANE,
    PIECES,
    lanes_of_piece,
)
from ghostnote.errors import InputError
from ghostnote.performance import Performance
from sampler.kit import Kit
from sampler.kit_file import MAX_VELOCITY

OPEN_HAT_LANES: Final = tuple(lane for lane in HAT_LANES if "open" in ARTICULATIONS[lane].name)

TAKEOVER_FADE_S: Final = 0.010
"""A lane's sound ends this fast when another of its choke group is struck: short enough to be masked by the stroke."""
PEDAL_FADE_S: Final = 0.030
"""Cymbals of an open hat meet in about this time when the foot closes them."""
GRAB_FADE_S: Final = 0.060
"""A hand that grabs a cymbal needs about this long to silence it."""
CLOSED_OPENNESS: Final = 0.15
"""A pedal curve that falls below this opening silences an open hat."""
ROUND_ROBIN_CYCLE: Final = 512
"""Random steps drawn per lane; after so many strokes of a layer the same steps are walked on from where they led."""

VOICE: Final = np.dtype(
    [
        ("lane", "i2"),
        ("layer", "i2"),
        ("order", "i8"),  # how many strokes of the same lane and layer came before
        ("sample", "i4"),  # index into `Kit.samples`
        ("gain", "f4"),
        ("start", "i8"),  # frame of the recording's first sample
        ("stop", "i8"),  # frame at which the fade begins; the natural end where nothing chokes it
        ("end", "i8"),  # first frame after the last audible one
    ]
)


def voices(
    kit: Kit, performance: Performance, *, seed: int = 0, earlier: NDArray[np.void] | None = None
) -> NDArray[np.void]:
    """All voices of `performance` on `kit`: dtype VOICE, in the order of the hits, frames at `kit.sample_rate`.

    `earlier`: voices of what was played before; they come first in the result, choked where the new events demand it.
    The openness curve should then begin with the value that was in force. Raises InputError for hits out of range.
    """
    new = _strike(kit, performance.hits, seed, earlier)
    result = new if earlier is None else np.concatenate([earlier, new])
    _choke(kit, result, performance)
    return result


def still_needed(ringing: NDArray[np.void], frame: int) -> NDArray[np.void]:
    """The voices that matter from `frame` on: what still sounds, and the last stroke of every layer (round robin)."""
    keep = ringing["end"] > frame
    slots = ringing["lane"].astype(np.int64) << 16 | ringing["layer"]
    _, last = np.unique(slots[::-1], return_index=True)
    keep[len(ringing) - 1 - last] = True
    return ringing[keep]


def mix(
    kit: Kit,
    performance: Performance,
    *,
    seed: int = 0,
    start: float = 0.0,
    frames: int | None = None,
    lanes: Collection[int] | None = None,
) -> NDArray[np.float32]:
    """`performance` played on `kit`: float32 [frames, 2] at `kit.sample_rate`, beginning at `start` [s].

    `frames` None: until the performance's end or until the last voice has rung out, whichever is later. `lanes`:
    only these are heard; they sound exactly as in the whole mix. `seed` decides which recordings are taken.
    """
    played = voices(kit, performance, seed=seed)
    first = round(start * kit.sample_rate)
    if frames is None:
        frames = _frames_to_the_end(kit, performance, played, first)
    if lanes is not None:
        played = played[np.isin(played["lane"], list(lanes))]
    return mix_voices(kit, played, first, frames)


def stems(
    kit: Kit, performance: Performance, *, seed: int = 0, start: float = 0.0, frames: int | None = None
) -> dict[str, NDArray[np.float32]]:
    """One mix per piece of the kit, all of the same length; their sum is `mix` with the same arguments."""
    played = voices(kit, performance, seed=seed)
    first = round(start * kit.sample_rate)
    if frames is None:
        frames = _frames_to_the_end(kit, performance, played, first)
    of_piece = {piece: np.isin(played["lane"], lanes_of_piece(piece)) for piece in PIECES}
    return {piece: mix_voices(kit, played[mine], first, frames) for piece, mine in of_piece.items()}


def mix_voices(kit: Kit, played: NDArray[np.void], first: int, frames: int) -> NDArray[np.float32]:
    """Frames `first`..`first + frames` of `played`: float32 [frames, 2]. Only voices that overlap them cost time."""
    out = np.zeros((frames, 2), np.float32)
    heard = played[(played["start"] < first + frames) & (played["end"] > first)]
    scratch = np.empty((min(frames, int(kit.lengths.max(initial=0))), 2), np.float32)
    columns = (heard[name].tolist() for name in ("sample", "gain", "start", "stop", "end"))
    for sample, gain, start, stop, end in zip(*columns, strict=True):
        audio = kit.samples[sample]
        begin, until = max(start, first), min(end, first + frames)
        sound = scratch[: until - begin]
        np.multiply(audio[begin - start : until - start], np.float32(gain), out=sound)
        if until > stop:
            faded = max(stop, begin)
            sound[faded - begin :] *= _fade_out(end - stop)[faded - stop : until - stop]
        out[begin - first : until - first] += sound
    return out


def _frames_to_the_end(kit: Kit, performance: Performance, played: NDArray[np.void], first: int) -> int:
    last = max(round(performance.duration * kit.sample_rate), int(played["end"].max(initial=0)))
    return max(0, last - first)


@lru_cache(maxsize=64)
def _fade_out(frames: int) -> NDArray[np.float32]:
    """Raised-cosine fade from one to zero, [frames, 1]."""
    ramp = (np.arange(frames) + 0.5) / frames
    return (0.5 + 0.5 * np.cos(np.pi * ramp)).astype(np.float32)[:, None]


def _strike(
    kit: Kit, hits: NDArray[np.void], seed: int, earlier: NDArray[np.void] | None
) -> NDArray[np.void]:
    """Voices of `hits` that ring to their natural end."""
    lanes, velocities = hits["lane"], hits["velocity"].astype(np.float64)
    if np.any((lanes < 0) | (lanes >= N_LANES)) or not np.all((velocities > 0) & (velocities <= 1)):
        raise InputError("hits should have lanes 0..21 and velocities above 0 and up to 1")
    new = np.zeros(len(hits), VOICE)
    new["lane"] = lanes
    new["start"] = np.rint(hits["time"] * kit.sample_rate)
    steps = _round_robin_steps(seed)
    for lane in np.unique(lanes):
        mine = np.flatnonzero(lanes == lane)
        table, velocity = kit.layers[lane], velocities[mine] * MAX_VELOCITY
        layer = np.searchsorted(table["velocity_low"], np.rint(velocity), side="right") - 1
        layer = np.maximum(layer, 0)
        new["layer"][mine] = layer
        new["gain"][mine] = 10 ** (_gain_db(table, layer, velocity) / 20)
        for index in np.unique(layer):
            at = mine[layer == index]
            order = _strokes_so_far(earlier, lane, index) + np.arange(len(at))
            new["order"][at] = order
            choices = int(table["n_samples"][index])
            new["sample"][at] = table["first_sample"][index] + _round_robin(steps[lane], order, choices)
    new["stop"] = new["end"] = new["start"] + kit.lengths[new["sample"]]
    return new


def _gain_db(table: NDArray[np.void], layer: NDArray[np.int64], velocity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gain [dB] that brings a layer's recordings to the loudness of `velocity` (0..127, fractions allowed)."""
    reference = table["reference_velocity"].astype(np.float64)
    wanted = np.interp(velocity, reference, table["loudness_db"])
    wanted += 40 * np.log10(np.minimum(velocity / reference[0], 1))
    return wanted - table["loudness_db"][layer] + table["gain_db"][layer]


@lru_cache(maxsize=16)
def _round_robin_steps(seed: int) -> NDArray[np.float64]:
    """Random numbers in [0, 1), [N_LANES, ROUND_ROBIN_CYCLE]."""
    return np.random.default_rng(seed).random((N_LANES, ROUND_ROBIN_CYCLE))


def _round_robin(steps: NDArray[np.float64], order: NDArray[np.int64], choices: int) -> NDArray[np.int64]:
    """Which of `choices` equivalent recordings stroke number `order` takes: a random walk around a circle of them.

    Every step goes 1..choices-1 places on, so the same recording never comes twice in a row where there is a choice.
    """
    if choices == 1:
        return np.zeros_like(order)
    walked = np.cumsum(1 + np.floor(steps * (choices - 1)).astype(np.int64))
    cycles, place = np.divmod(order, ROUND_ROBIN_CYCLE)
    return (cycles * walked[-1] + walked[place]) % choices


def _strokes_so_far(earlier: NDArray[np.void] | None, lane: int, layer: int) -> int:
    if earlier is None:
        return 0
    same = earlier["order"][(earlier["lane"] == lane) & (earlier["layer"] == layer)]
    return int(same.max(initial=-1)) + 1


def _choke(kit: Kit, played: NDArray[np.void], performance: Performance) -> None:
    """Let strokes of a choke group, the closing pedal and grabbing hands fade `played`, in place.

    The first event that silences a voice counts; of simultaneous ones the quickest.
    """
    lane, start = played["lane"], played["start"]
    for group in kit.choke_groups:
        mine = np.flatnonzero(np.isin(lane, group))
        _fade_from(played, mine[:-1], start[mine[1:]], round(TAKEOVER_FADE_S * kit.sample_rate))
    closings = _frames(_closing_times(performance), kit)
    _fade_at_events(played, np.flatnonzero(np.isin(lane, OPEN_HAT_LANES)), closings, PEDAL_FADE_S, kit)
    pieces = np.array(PIECE_OF_LANE)
    for piece in np.unique(pieces[performance.chokes["lane"]]):
        grabs = _frames(performance.chokes["time"][pieces[performance.chokes["lane"]] == piece], kit)
        _fade_at_events(played, np.flatnonzero(pieces[lane] == piece), grabs, GRAB_FADE_S, kit)


def _frames(times: NDArray[np.float64], kit: Kit) -> NDArray[np.int64]:
    return np.sort(np.rint(times * kit.sample_rate).astype(np.int64))


def _closing_times(performance: Performance) -> NDArray[np.float64]:
    """Moments at which the pedal curve falls below CLOSED_OPENNESS."""
    is_open = performance.openness["value"] >= CLOSED_OPENNESS
    return performance.openness["time"][1:][is_open[:-1] & ~is_open[1:]]


def _fade_at_events(
    played: NDArray[np.void], mine: NDArray[np.int64], events: NDArray[np.int64], fade_s: float, kit: Kit
) -> None:
    """Fade each voice of `mine` at the first of `events` (frames, sorted) after its start."""
    after = np.searchsorted(events, played["start"][mine], side="right")
    reached = after < len(events)
    _fade_from(played, mine[reached], events[after[reached]], round(fade_s * kit.sample_rate))


def _fade_from(
    played: NDArray[np.void], mine: NDArray[np.int64], stop: NDArray[np.int64], fade: int
) -> None:
    """Let the voices `mine` fade over `fade` frames from frame `stop` on, unless something silenced them before."""
    end = np.minimum(stop + fade, played["end"][mine])
    sooner = (stop < played["stop"][mine]) | ((stop == played["stop"][mine]) & (end < played["end"][mine]))
    played["stop"][mine[sooner]] = stop[sooner]
    played["end"][mine[sooner]] = end[sooner]
