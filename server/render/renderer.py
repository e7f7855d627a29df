"""The one renderer: hits in, drum sound out, by one hop (live) or by many (window, file).

A hit becomes a stroke of the kit (`kits.striker`), the stroke's codes become sound in the decoder (`codec.decoder`),
all strokes that sound as one batch. A stroke begins at its exact frame: it is decoded hop by hop from its own
beginning, and what of it lies before the end of the renderer's hop is heard. What is rendered does not depend on how
hops are cut into calls. Kits, tuning, damping and tone take effect with the next hit, levels and pans within the next
hop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.decoder import MOST_ROWS, StrokeDecoder
from codec.noise import noise_places
from ghostnote.errors import InputError
from ghostnote.files.bundle import Manifest
from ghostnote.files.preset import PieceSound
from ghostnote.music.articulations import PIECE_OF_LANE, PIECES
from ghostnote.music.grid import HopEvents
from kits.striker import Striker, Voice, fade_out
from server.render.library import KitLibrary
from server.render.piece_gains import PieceGains
from server.render.varispeed import Varispeed

Audio = NDArray[np.float32]

HOPS_AT_ONCE: Final = 16
"""The most hops of one call of the decoder: its noise takes 130 kB a hop and stroke."""
CROWDED: Final = MOST_ROWS - 8
"""Beyond so many strokes, the one nearest to its end is faded out."""
CROWDED_FADE_S: Final = 0.010
DAMPING_DB: Final = 400.0
"""Decay [dB/s] that a damping of 1 adds; it grows with the square."""


@dataclass(eq=False)
class _Sounding:
    """A stroke that sounds: a row of the decoder."""

    voice: Voice
    piece: int
    gain: float
    damping: float
    """Added decay, per frame, as an exponent."""
    held: Audio
    """Decoded frames that lie after the end of the hop rendered last, [frames, 2]."""
    varispeed: Varispeed | None = None


@dataclass
class _Choice:
    """What the pieces sound like from the next hit on."""

    kit: dict[str, float] = field(default_factory=dict[str, float])
    pieces: dict[str, PieceSound] = field(default_factory=dict[str, PieceSound])


class Renderer:
    """Renders hits through a bundle with the kits of a library. Not thread-safe: owned by one thread."""

    causal: bool = True

    def __init__(self, manifest: Manifest, decoder: StrokeDecoder, library: KitLibrary, *, seed: int = 0) -> None:
        """`seed` chooses among equivalent strokes and draws the noise."""
        self.manifest, self._decoder, self._library, self._seed = manifest, decoder, library, seed
        self.hop, self.sample_rate, self.channels = manifest.hop, manifest.sample_rate, manifest.channels
        self.provider = decoder.provider
        self._strikers: dict[str, Striker] = {}
        self._choice = _Choice({library.ids[0]: 1.0})
        self._gains = PieceGains(self.hop)
        self.closed = False
        self.reset()

    @property
    def kits(self) -> tuple[str, ...]:
        """Ids of the kits that can be played."""
        return self._library.ids

    @property
    def gains(self) -> Audio:
        """Level and pan of each piece as factors of left and right, [pieces, 2]."""
        return self._gains.factors

    def figures(self) -> dict[str, float]:
        """By name: strokes that sound."""
        return {"voices": self._decoder.rows}

    def reset(self) -> None:
        """Silence; every hit is forgotten, round robins and noise start anew. Kits and levels stay."""
        self._frame = self._struck = 0
        self._sounding: list[_Sounding] = []
        self._decoder.reset()
        for striker in self._strikers.values():
            striker.reset()
        self._gains.settle()

    def close(self) -> bool:
        """Free the network; nothing can be rendered afterwards. False: nothing is left."""
        self._decoder.close()
        self.closed = True
        return False

    def set_kit(self, weights: Mapping[str, float]) -> None:
        """One kit {"tr808": 1} or a morph of several, weights >= 0 (their sum is made 1). Raises InputError."""
        values = np.array(list(weights.values()), float)
        if not (len(values) and np.isfinite(values).all() and values.min() >= 0 and values.sum() > 0):
            raise InputError(f"kit weights {dict(weights)}: expected numbers >= 0, not all 0")
        self._check_kits(weights)
        self._choice.kit = {kit: float(w / values.sum()) for kit, w in weights.items() if w > 0}

    def set_pieces(self, pieces: Mapping[str, PieceSound]) -> None:
        """Kit, tuning, damping and tone of single pieces; the others sound as the kit has them. Raises InputError."""
        self._check_kits([sound.kit for sound in pieces.values() if sound.kit])
        self._choice.pieces = dict(pieces)

    def set_levels(self, levels_db: Mapping[str, float], pans: Mapping[str, float]) -> None:
        """Level [dB] and pan (-1 left .. 1 right, as balance) of pieces; those not named get 0 and the centre.

        Raises InputError for a piece that is not in PIECES, a level above 24 dB (-inf mutes) or a pan beyond -1..1.
        """
        self._gains.set(levels_db, pans)

    def render(self, events: Sequence[HopEvents]) -> Audio:
        """The next len(events) hops, [len(events) * hop, channels]; may exceed 1."""
        return self._gains.mix(self.render_pieces(events))

    def render_pieces(self, events: Sequence[HopEvents]) -> Audio:
        """As `render`, but each piece by itself, without level and pan: [pieces, frames, channels]."""
        out = np.zeros((len(PIECES), len(events) * self.hop, self.channels), np.float32)
        first = 0
        while first < len(events):
            self._take(events[first])
            hops = self._quiet_hops(events, first)
            self._sound(out[:, first * self.hop : (first + hops) * self.hop])
            self._pass(events[first : first + hops])
            first += hops
        return out

    def learn(self, events: Sequence[HopEvents]) -> None:
        """Take in the next hops without sound; what rings is heard again once the decoder has seen 15 more hops."""
        for one in events:
            self._take(one)
            self._decoder.skip(1)
            self._pass([one])

    def _quiet_hops(self, events: Sequence[HopEvents], first: int) -> int:
        """From `first` on, hops in which nothing happens but in the first."""
        hops, openness = 1, events[first].openness
        for one in events[first + 1 : first + HOPS_AT_ONCE]:
            if one.hits or one.chokes or one.openness != openness:
                break
            hops += 1
        return hops

    def _take(self, event: HopEvents) -> None:
        """Let what happens in the next hop begin and end strokes."""
        begun: list[int] = []
        for lane in event.chokes:
            for striker in self._strikers.values():
                striker.choke(self._frame, lane)
        for hit in sorted(event.hits, key=lambda hit: hit.offset):
            begun += self._strike(self._frame + hit.offset, hit.lane, hit.velocity)
        for striker in self._strikers.values():
            striker.pedal(self._frame + self.hop - 1, event.openness)
        self._decoder.begin(begun)

    def _strike(self, frame: int, lane: int, velocity: float) -> list[int]:
        piece = PIECE_OF_LANE[lane]
        sound = self._choice.pieces.get(PIECES[piece], PieceSound())
        rows: list[int] = []
        for kit, weight in ({sound.kit: 1.0} if sound.kit else self._choice.kit).items():
            voice = self._striker(kit).strike(frame, lane, velocity)
            ratio = 2 ** (sound.tune / 12)
            voice.stop = voice.end = frame + round((voice.end - frame) / ratio)
            self._make_room()
            places = noise_places(self._seed, self._struck)
            rows.append(self._decoder.add(self._library.stroke(kit, voice.stroke), places, sound.tone))
            damping = DAMPING_DB * sound.damp**2 / self.sample_rate * np.log(10) / 20
            held = np.zeros((frame - self._frame, self.channels), np.float32)
            speed = Varispeed(ratio) if sound.tune else None
            self._sounding.append(_Sounding(voice, piece, voice.gain * weight**0.5, damping, held, speed))
            self._struck += 1
        return rows

    def _make_room(self) -> None:
        if len(self._sounding) < CROWDED:
            return
        nearest = min(self._sounding, key=lambda one: one.voice.end)
        nearest.voice.fade(self._frame, round(CROWDED_FADE_S * self.sample_rate))
        if len(self._sounding) == MOST_ROWS:
            self._drop(self._sounding.index(nearest))

    def _sound(self, out: Audio) -> None:
        """Add the next hops of all that sounds, [pieces, frames, 2]."""
        frames = out.shape[1]
        decoded = self._decoder.decode(frames // self.hop)
        for row, one in enumerate(self._sounding):
            fresh = decoded[row] if one.varispeed is None else self._varied(row, one.varispeed, decoded[row])
            stream = np.concatenate([one.held, fresh]) if len(one.held) else fresh
            one.held = stream[frames:].copy()
            heard = stream[:frames]
            out[one.piece] += heard * self._envelope(one, frames)

    def _varied(self, row: int, varispeed: Varispeed, decoded: Audio) -> Audio:
        varispeed.push(decoded)
        while (missing := varispeed.missing(len(decoded))) > 0:
            varispeed.push(self._decoder.decode_more(row, -(-missing // self.hop)))
        return varispeed.read(len(decoded))

    def _envelope(self, one: _Sounding, frames: int) -> Audio | np.float32:
        """Gain, damping and fade over the next frames, a factor or [frames, 1]."""
        voice, first = one.voice, self._frame
        if first + frames <= voice.stop and not one.damping:
            return np.float32(one.gain)
        gain = np.full(frames, one.gain, np.float32)
        if one.damping:
            age = np.maximum(np.arange(first, first + frames) - voice.start, 0)
            gain *= np.exp(-one.damping * age).astype(np.float32)
        begin, end = max(voice.stop - first, 0), max(voice.end - first, 0)
        if begin < frames and voice.end > voice.stop:
            fade = fade_out(voice.end - voice.stop)[max(first - voice.stop, 0) :][: max(0, min(end, frames) - begin)]
            gain[begin : begin + len(fade)] *= fade
        gain[end:] = 0
        return gain[:, None]

    def _pass(self, events: Sequence[HopEvents]) -> None:
        """The hops are over: forget what has ended."""
        self._frame += len(events) * self.hop
        for row in reversed(range(len(self._sounding))):
            if self._sounding[row].voice.end <= self._frame:
                self._drop(row)
        for striker in self._strikers.values():
            striker.forget(self._frame)

    def _drop(self, row: int) -> None:
        self._decoder.drop(row)
        self._sounding[row] = self._sounding[-1]
        self._sounding.pop()

    def _striker(self, kit: str) -> Striker:
        if kit not in self._strikers:
            self._strikers[kit] = Striker(self._library.kit(kit), self._seed)
        return self._strikers[kit]

    def _check_kits(self, ids: Mapping[str, float] | Sequence[str]) -> None:
        for kit in ids:
            self._library.kit(kit)
