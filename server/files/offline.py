"""Rendering performances to sound files as fast as possible, through the same renderer that plays live.

The modes differ only in how many hops go into one call: "live" one, "window" four beats, "file" as many
as suit the processor. The sound is the same. A non-causal bundle is rendered in windows only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from ghostnote.errors import InputError
from ghostnote.latency import window_frames
from ghostnote.music.articulations import PIECES
from ghostnote.music.grid import HopEvents, hop_events
from ghostnote.music.performance import Performance
from server.render.limiter import CEILING_DB, limit
from server.render.renderer import Renderer

MODES: Final = ("file", "window", "live")
FILE_HOPS: Final = 256
"""Hops per call in file mode."""
TAIL_SECONDS: Final = 6.0
TAIL_DB: Final = -60.0
"""A tail ends where it stays this far below the peak, at the latest after TAIL_SECONDS."""
QUIET_SECONDS: Final = 0.25
"""It has ended when it stayed there for this long."""
FADE_SECONDS: Final = 0.02
CUT_FADE_SECONDS: Final = 1.0
"""Fade of a tail that would ring beyond TAIL_SECONDS."""
MAX_SECONDS: Final = 2 * 3600.0
"""A longer performance is refused: more likely a broken file than music, and the sound is kept in memory."""
SUBTYPES: Final = {".wav": "PCM_24", ".flac": "PCM_24"}

Audio = NDArray[np.float32]
Advance = Callable[[float], None]
"""Called with the share that is done, 0..1."""


@dataclass(frozen=True)
class Rendering:
    """A rendered performance."""

    audio: Audio
    """[frames, channels] at `sample_rate`, within full scale."""
    sample_rate: int
    stems: dict[str, Audio]
    """Each piece that is played, by itself and as long as `audio`, which is their sum; empty if not asked for."""
    reduction_db: float
    """How far peaks were reduced to stay below full scale: by the limiter, or with stems by one gain for all."""


def render_performance(
    renderer: Renderer,
    performance: Performance,
    *,
    mode: str = "file",
    stems: bool = False,
    rate: int | None = None,
    advance: Advance | None = None,
) -> Rendering:
    """The performance from its start to the end of its last tail, at `rate` [Hz] (None: the bundle's).

    The renderer is reset first; kit, drummer and levels are as set. Raises InputError for an unknown mode or rate.
    """
    hops_per_call = _hops_per_call(renderer, performance, mode)
    if rate is not None and not 8000 <= rate <= 384_000:
        raise InputError(f"rate {rate} Hz, expected 8000..384000")
    if performance.duration > MAX_SECONDS:
        hours = performance.duration / 3600
        raise InputError(f"{performance.name} lasts {hours:.1f} hours, expected at most {MAX_SECONDS / 3600:g}")
    pieces = performance.pieces if stems else ()
    renderer.reset()
    played = ceil(performance.duration * renderer.sample_rate / renderer.hop) + 1
    total = played + ceil(TAIL_SECONDS * renderer.sample_rate / renderer.hop)
    events = hop_events(performance, total, hop=renderer.hop, sample_rate=renderer.sample_rate)
    parts: list[Audio] = []
    peak = quiet = 0.0
    for first in range(0, total, hops_per_call):
        parts.append(_tracks(renderer, events[first : first + hops_per_call], pieces))
        if advance:
            advance(min(1.0, (first + hops_per_call) / total))
        loud = float(np.abs(parts[-1]).max(initial=0.0))
        peak = max(peak, loud)
        died = first >= played and loud < peak * 10 ** (TAIL_DB / 20)
        quiet = quiet + parts[-1].shape[1] / renderer.sample_rate if died else 0.0
        if quiet >= QUIET_SECONDS:
            break
    if advance:
        advance(1.0)
    return _finish(renderer, np.concatenate(parts, axis=1), performance.duration, pieces, rate)


def _tracks(renderer: Renderer, events: Sequence[HopEvents], pieces: Sequence[str]) -> Audio:
    """The mix as the only track, or each of `pieces`: [tracks, frames, channels]."""
    if not pieces:
        return renderer.render(events)[None]
    return (renderer.render_pieces(events) * renderer.gains[:, None, :])[[PIECES.index(piece) for piece in pieces]]


def save_audio(path: Path, audio: Audio, sample_rate: int) -> None:
    """Write 24-bit WAV or FLAC, as the suffix says; the folder is made. Raises InputError for another suffix."""
    if path.suffix.lower() not in SUBTYPES:
        raise InputError(f"cannot write {path}: a file ends in {' or '.join(SUBTYPES)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio, sample_rate, subtype=SUBTYPES[path.suffix.lower()])


def _hops_per_call(renderer: Renderer, performance: Performance, mode: str) -> int:
    if mode not in MODES:
        raise InputError(f"no mode {mode!r}: choose {', '.join(MODES)}")
    window = window_frames(performance.bpm, renderer.sample_rate) / renderer.hop
    if not renderer.causal:
        if mode == "live":
            raise InputError(f"bundle {renderer.manifest.name} renders whole windows: choose mode file or window")
        mode = "window"
    return {"file": FILE_HOPS, "live": 1, "window": max(1, round(window))}[mode]


def _finish(renderer: Renderer, tracks: Audio, duration: float, pieces: Sequence[str], rate: int | None) -> Rendering:
    """End of the tail, rate, peaks. tracks [tracks, frames, channels]: the mix, or those of `pieces`."""
    own = renderer.sample_rate
    end = _end(tracks.sum(axis=0) if pieces else tracks[0], round(duration * own), own)
    fade = round(own * (CUT_FADE_SECONDS if end == tracks.shape[1] else FADE_SECONDS))
    sounds = [_cut(sound, end, fade) for sound in tracks]
    if rate is not None and rate != own:
        sounds = [soxr.resample(sound, own, rate, "VHQ").astype(np.float32) for sound in sounds]
    if not pieces:
        audio, reduction = limit(sounds[0], rate or own)
        return Rendering(audio, rate or own, {}, reduction)
    (audio, *stems), reduction = _turned_down([np.sum(sounds, axis=0), *sounds])
    return Rendering(audio, rate or own, dict(zip(pieces, stems, strict=True)), reduction)


def _end(mix: Audio, least: int, sample_rate: int) -> int:
    """Frames to keep: all of `least`, and what sounds above TAIL_DB of the peak, with room for the fade."""
    loud = np.abs(mix).max(axis=1)
    sounding = np.flatnonzero(loud > loud.max(initial=0.0) * 10 ** (TAIL_DB / 20))
    last = int(sounding[-1]) + 1 if len(sounding) else 0
    return min(len(mix), max(least, last + round(FADE_SECONDS * sample_rate)))


def _cut(sound: Audio, end: int, fade: int) -> Audio:
    """The first `end` frames, the last `fade` of them faded out."""
    sound = sound[:end].copy()
    fade = min(end, fade)
    sound[end - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    return sound


def _turned_down(sounds: Sequence[Audio]) -> tuple[list[Audio], float]:
    """One gain for all, so that stems still add up to the mix, and its reduction [dB]."""
    peak = max(float(np.abs(sound).max(initial=0.0)) for sound in sounds)
    gain_db = min(0.0, CEILING_DB - 20 * np.log10(max(peak, 1e-9)))
    return [sound * np.float32(10 ** (gain_db / 20)) for sound in sounds], float(-gain_db)
