"""The sample-accurate mixer: hits of a performance become voices (`kits.striker`), voices become audio.

Which voices there are never depends on the window or the lanes that are mixed, so a window equals the slice of the
whole mix and stems add up to it.
"""

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ghostnote.music.articulations import PIECES, lanes_of_piece
from ghostnote.music.performance import Performance
from kits.layers import Layered
from kits.striker import Striker, Voice, check_hits, fade_out
from sampler.kit import Kit

Audio = NDArray[np.float32]


def voices(kit: Layered, performance: Performance, *, seed: int = 0) -> list[Voice]:
    """All voices of `performance` on `kit` in the order of the hits, frames at `kit.sample_rate`.

    Raises InputError for hits out of range.
    """
    check_hits(performance.hits)
    striker, struck = Striker(kit, seed), list[Voice]()
    for frame, kind, row in _events(performance, kit.sample_rate):
        if kind == 0:
            striker.pedal(frame, float(performance.openness["value"][row]))
        elif kind == 1:
            striker.choke(frame, int(performance.chokes["lane"][row]))
        else:
            hit = performance.hits[row]
            struck.append(striker.strike(frame, int(hit["lane"]), float(hit["velocity"])))
            striker.forget(frame)
    return struck


def mix(
    kit: Kit,
    performance: Performance,
    *,
    seed: int = 0,
    start: float = 0.0,
    frames: int | None = None,
    lanes: Collection[int] | None = None,
) -> Audio:
    """`performance` played on `kit`: float32 [frames, 2] at `kit.sample_rate`, beginning at `start` [s].

    `frames` None: until the performance's end or until the last voice has rung out, whichever is later. `lanes`:
    only these are heard; they sound exactly as in the whole mix. `seed` decides which recordings are taken.
    """
    played = voices(kit, performance, seed=seed)
    first = round(start * kit.sample_rate)
    if frames is None:
        frames = _frames_to_the_end(kit, performance, played, first)
    if lanes is not None:
        played = [voice for voice in played if voice.lane in lanes]
    return mix_voices(kit, played, first, frames)


def stems(
    kit: Kit, performance: Performance, *, seed: int = 0, start: float = 0.0, frames: int | None = None
) -> dict[str, Audio]:
    """One mix per piece of the kit, all of the same length; their sum is `mix` with the same arguments."""
    played = voices(kit, performance, seed=seed)
    first = round(start * kit.sample_rate)
    if frames is None:
        frames = _frames_to_the_end(kit, performance, played, first)
    lanes = {piece: lanes_of_piece(piece) for piece in PIECES}
    return {p: mix_voices(kit, [v for v in played if v.lane in lanes[p]], first, frames) for p in PIECES}


def mix_voices(kit: Kit, played: Iterable[Voice], first: int, frames: int) -> Audio:
    """Frames `first`..`first + frames` of `played`: float32 [frames, 2]. Only voices that overlap them cost time."""
    out = np.zeros((frames, 2), np.float32)
    scratch = np.empty((min(frames, int(kit.lengths.max(initial=0))), 2), np.float32)
    for voice in played:
        begin, until = max(voice.start, first), min(voice.end, first + frames)
        if begin >= until:
            continue
        sound = scratch[: until - begin]
        np.multiply(
            kit.samples[voice.stroke][begin - voice.start : until - voice.start], np.float32(voice.gain), out=sound
        )
        if until > voice.stop:
            faded = max(voice.stop, begin)
            fade = fade_out(voice.end - voice.stop)[faded - voice.stop : until - voice.stop]
            sound[faded - begin :] *= fade[:, None]
        out[begin - first : until - first] += sound
    return out


def _events(performance: Performance, rate: int) -> list[tuple[int, int, int]]:
    """(frame, kind, row) of all events in the order of time; in one frame pedal (0) and chokes (1) before hits (2)."""
    rows = [
        (frame, kind, row)
        for kind, events in enumerate((performance.openness, performance.chokes, performance.hits))
        for row, frame in enumerate(np.rint(events["time"] * rate).astype(np.int64).tolist())
    ]
    return sorted(rows)


def _frames_to_the_end(kit: Kit, performance: Performance, played: Sequence[Voice], first: int) -> int:
    last = max(round(performance.duration * kit.sample_rate), max((voice.end for voice in played), default=0))
    return max(0, last - first)
