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

from ghostnote.errors import InputError
from ghostnote.music.articulations import ARTICULATIONS, HAT_LANES, N_LANES, PIECE_OF_LANE, PIECES, lanes_of_piece
from ghostnote.music.performance import Performance
from sampler.kit import Kit
from sampler.kit_file import MAX_VELOCITY

OPEN_HAT_LANES: Final = tuple(lane for lane in HAT_LANES if "open" in ARTICULATIONS[lane].name)

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

_LANE_STRIDE: Final = 256
"""Lanes lie this far apart where lane and velocity make one sorted number."""

VOICE: Final = np.dtype(
    [
        ("lane", "i2"),
        ("layer", "i2"),  # index into `Kit.layers`
        ("order", "i8"),  # how many strokes of the same layer came before
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
    The openness curve should then begin with the value at that time. Raises InputError for hits out of range.
    """
    new = _strike(kit, performance.hits, seed, earlier)
    result = new if earlier is None else np.concatenate([earlier, new])
    _choke(kit, result, performance)
    return result


def still_needed(ringing: NDArray[np.void], frame: int) -> NDArray[np.void]:
    """The voices that matter from `frame` on: what still sounds, and the last stroke of every layer (round robin)."""
    keep = ringing["end"] > frame
    _, last = np.unique(ringing["layer"][::-1], return_index=True)
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
    only these are mixed; they sound exactly as in the whole mix. `seed` decides which recordings are taken.
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
    audible = played[(played["start"] < first + frames) & (played["end"] > first)]
    scratch = np.empty((min(frames, int(kit.lengths.max(initial=0))), 2), np.float32)
    columns = (audible[name].tolist() for name in ("sample", "gain", "start", "stop", "end"))
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


def _strike(kit: Kit, hits: NDArray[np.void], seed: int, earlier: NDArray[np.void] | None) -> NDArray[np.void]:
    """Voices of `hits` that ring to their natural end."""
    lane, velocity = hits["lane"].astype(np.int64), hits["velocity"].astype(np.float64)
    if np.any((lane < 0) | (lane >= N_LANES)) or not np.all((velocity > 0) & (velocity <= 1)):
        raise InputError("hits should have lanes 0..21 and velocities above 0 and up to 1")
    layer = _layer_of(kit.layers, lane, velocity * MAX_VELOCITY)
    new = np.zeros(len(hits), VOICE)
    new["lane"], new["layer"] = lane, layer
    new["order"] = _order(layer, earlier)
    new["gain"] = 10 ** (_gain_db(kit.layers, lane, layer, velocity * MAX_VELOCITY) / 20)
    new["sample"] = kit.layers["first_sample"][layer]
    new["sample"] += _round_robin(lane, new["order"], kit.layers["n_samples"][layer], seed)
    new["start"] = np.rint(hits["time"] * kit.sample_rate)
    new["stop"] = new["end"] = new["start"] + kit.lengths[new["sample"]]
    return new


def _layer_of(layers: NDArray[np.void], lane: NDArray[np.int64], velocity: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index into `layers` (sorted by lane and velocity) that covers `velocity` (0..127, fractions allowed)."""
    keys = layers["lane"].astype(np.int64) * _LANE_STRIDE + layers["velocity_low"]
    wanted = lane * _LANE_STRIDE + np.maximum(np.rint(velocity), 1)
    return np.searchsorted(keys, wanted, side="right") - 1


def _gain_db(
    layers: NDArray[np.void], lane: NDArray[np.int64], layer: NDArray[np.int64], velocity: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Gain [dB] that brings a layer's recordings to the loudness of `velocity` (0..127, fractions allowed)."""
    reference = layers["reference_velocity"].astype(np.float64)
    lowest = np.searchsorted(layers["lane"], lane, side="left")
    highest = np.searchsorted(layers["lane"], lane, side="right") - 1
    between = np.clip(velocity, reference[lowest], reference[highest])
    known = layers["lane"] * float(_LANE_STRIDE) + reference
    wanted = np.interp(lane * float(_LANE_STRIDE) + between, known, layers["loudness_db"])
    wanted += 40 * np.log10(np.minimum(velocity / reference[lowest], 1))
    return wanted - layers["loudness_db"][layer] + layers["gain_db"][layer]


def _order(layer: NDArray[np.int64], earlier: NDArray[np.void] | None) -> NDArray[np.int64]:
    """How many strokes of the same layer came before each, `earlier` ones included."""
    struck, first, counts = np.unique(np.sort(layer), return_index=True, return_counts=True)
    before = np.zeros(len(struck), np.int64)
    if earlier is not None:
        for n, index in enumerate(struck):
            before[n] = earlier["order"][earlier["layer"] == index].max(initial=-1) + 1
    order = np.empty_like(layer)
    order[np.argsort(layer, kind="stable")] = np.arange(len(layer)) + np.repeat(before - first, counts)
    return order


def _round_robin(
    lane: NDArray[np.int64], order: NDArray[np.int64], choices: NDArray[np.int32], seed: int
) -> NDArray[np.int64]:
    """Which of `choices` equivalent recordings stroke number `order` takes: a random walk around a circle of them.

    Every step goes 1..choices-1 places on, so the same recording never comes twice in a row where there is a choice.
    """
    picks = np.zeros_like(order)
    cycles, place = np.divmod(order, ROUND_ROBIN_CYCLE)
    for count in np.unique(choices).tolist():
        walked, mine = _walk(seed, count), choices == count
        picks[mine] = (cycles[mine] * walked[lane[mine], -1] + walked[lane[mine], place[mine]]) % count
    return picks


@lru_cache(maxsize=64)
def _walk(seed: int, choices: int) -> NDArray[np.int64]:
    """Places walked after each of a cycle's random steps, [N_LANES, ROUND_ROBIN_CYCLE]."""
    steps = np.random.default_rng(seed).random((N_LANES, ROUND_ROBIN_CYCLE))
    return np.cumsum(1 + (steps * (choices - 1)).astype(np.int64), axis=1)


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


def _fade_from(played: NDArray[np.void], mine: NDArray[np.int64], stop: NDArray[np.int64], fade: int) -> None:
    """Let the voices `mine` fade over `fade` frames from frame `stop` on, unless something silenced them before."""
    end = np.minimum(stop + fade, played["end"][mine])
    sooner = (stop < played["stop"][mine]) | ((stop == played["stop"][mine]) & (end < played["end"][mine]))
    played["stop"][mine[sooner]] = stop[sooner]
    played["end"][mine[sooner]] = end[sooner]
