"""The codec's codes of every single stroke of every kit, which `training.predictors.memory` looks up."""

from collections.abc import Callable, Sequence
from math import ceil
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ghostnote.music.articulations import N_LANES
from ghostnote.music.performance import OPENNESS, Performance, make_hits
from sampler.kit import Kit
from sampler.mix import mix
from training.codecs.interface import Codec
from training.predictors.memory import AGES, LAST_AGE, VELOCITIES

SILENT_ROWS: Final = 64
"""Silence is the codec's codes of it after this many hops; its encoder looks back 34."""
INAUDIBLE: Final = 1e-4
"""A stroke has ended where it stays below this, -80 dB."""
FADE_ROWS: Final = 64
"""Strokes that ring longer than the memory are faded to silence over this many hops."""


class StrokeCodes(NamedTuple):
    """codes [nodes, books] uint8, stroke after stroke; first and last node of each [kits, lanes, velocities] int32."""

    codes: Tensor
    first: Tensor
    last: Tensor


def stroke_codes(codec: Codec, kits: Sequence[Kit], progress: Callable[[int], None] = lambda _: None) -> StrokeCodes:
    """Codes of all strokes at `AGES`; `progress` is called with the number of kits done (5 s each on one core).

    Each stroke is rendered with the first of its round-robins, the pedal open, and encoded once for every place inside
    the hop that `AGES` asks for. Codebooks may have 256 entries at most. A stroke's first and last node are silence.
    """
    silent = codec.encode(torch.zeros(1, codec.channels, SILENT_ROWS * codec.hop))[0, -1:].to(torch.uint8)
    parts, count, known = [silent], 1, {silent.numpy().tobytes(): 0}
    first = torch.zeros(len(kits), N_LANES, len(VELOCITIES), dtype=torch.int32)
    last = torch.zeros_like(first)
    for number, kit in enumerate(kits):
        for lane in range(N_LANES):
            for level, codes in enumerate(_lane(codec, kit, lane, silent)):
                key = codes.numpy().tobytes()
                if key not in known:
                    known[key] = count
                    parts.append(codes)
                    count += len(codes)
                first[number, lane, level] = known[key]
                last[number, lane, level] = known[key] + len(codes) - 1
        progress(number + 1)
    return StrokeCodes(torch.cat(parts), first, last)


def _lane(codec: Codec, kit: Kit, lane: int, silent: Tensor) -> list[Tensor]:
    """Codes [nodes, books] of one lane's strokes, one for each of `VELOCITIES`."""
    offsets, rows = _places(codec.hop)
    found = silent.repeat(len(VELOCITIES), len(AGES), 1)
    ends = np.ones(len(VELOCITIES), int)
    for offset in np.unique(offsets):
        nodes = np.flatnonzero((offsets == offset) & (np.array(AGES) > 0))
        frames = (int(rows[nodes[-1]]) + 1) * codec.hop
        audio = np.stack([_stroke(kit, lane, velocity, int(offset), frames, codec.hop) for velocity in VELOCITIES])
        sounding = (np.abs(audio).max(2) > INAUDIBLE) * np.arange(1, frames + 1)
        ends = np.maximum(ends, np.minimum(-(-sounding.max(1) // codec.hop) + SILENT_ROWS, LAST_AGE))
        audible = nodes[rows[nodes] < ends.max()]
        if len(audible):
            cut = audio[:, : int(rows[audible[-1]] + 1) * codec.hop]
            codes = codec.encode(torch.from_numpy(cut).transpose(1, 2).contiguous())
            found[:, audible] = codes[:, rows[audible]].to(torch.uint8)
    kept = [np.flatnonzero(np.array(AGES) <= end) for end in ends]
    return [torch.cat([codes[: nodes[-1] + 1], silent]) for codes, nodes in zip(found, kept, strict=True)]


def _places(hop: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each age: the stroke's frame inside hop 0, and the hop at whose end it has that age."""
    return np.array([round((-age % 1) * hop) for age in AGES]), np.array([max(0, ceil(age) - 1) for age in AGES])


def _stroke(kit: Kit, lane: int, velocity: float, offset: int, frames: int, hop: int) -> NDArray[np.float32]:
    hits = make_hits([(offset / kit.sample_rate, lane, velocity)])
    take = Performance(hits, np.array([(0.0, 1.0)], OPENNESS), bpm=120.0, duration=frames / kit.sample_rate)
    audio = mix(kit, take, seed=0, start=0.0, frames=frames)
    fade = np.clip((LAST_AGE * hop - np.arange(frames)) / (FADE_ROWS * hop), 0, 1)
    return audio * fade.astype(np.float32)[:, None]
