"""The codec's codes of every stroke of every kit alone: what `training.predictors.memory` looks up."""

from collections.abc import Callable, Sequence
from math import ceil
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ghostnote.articulations import N_LANES
from ghostnote.performance import OPENNESS, Performance, make_hits
from sampler.kit import Kit
from sampler.mix import mix
from training.codecs.interface import Codec
from training.predictors.memory import AGES, VELOCITIES

SILENT_ROWS: Final = 64
"""Silence is what the codec says of it after so many hops; its encoder looks back 34."""


def stroke_codes(codec: Codec, kits: Sequence[Kit], progress: Callable[[int], None] = lambda _: None) -> Tensor:
    """Codes [kits, lanes, velocities, ages, books] uint8; `progress` hears how many kits are done.

    Each stroke is rendered with the first of its round-robins and encoded once for every place inside the hop that
    `AGES` asks for, the pedal open. Codebooks may have 256 entries at most.
    """
    silent = codec.encode(torch.zeros(1, codec.channels, SILENT_ROWS * codec.hop))[0, -1]
    result = silent.to(torch.uint8).expand(len(kits), N_LANES, len(VELOCITIES), len(AGES), -1).clone()
    offsets, rows = _places(codec.hop)
    for number, kit in enumerate(kits):
        for offset in np.unique(offsets[1:]):
            nodes = np.flatnonzero((offsets == offset) & (np.array(AGES) > 0))
            frames = (int(rows[nodes[-1]]) + 1) * codec.hop
            for lane in range(N_LANES):
                audio = np.stack([_stroke(kit, lane, velocity, int(offset), frames) for velocity in VELOCITIES])
                sounding = int(np.flatnonzero(np.abs(audio).max((0, 2))).max(initial=0)) // codec.hop + SILENT_ROWS
                heard = nodes[rows[nodes] < sounding]
                codes = codec.encode(torch.from_numpy(audio[:, : sounding * codec.hop]).transpose(1, 2).contiguous())
                result[number, lane][:, heard] = codes[:, rows[heard]].to(torch.uint8)
        progress(number + 1)
    return result


def _places(hop: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each age: the stroke's frame inside hop 0, and the hop at whose end it has that age (the nearest hop)."""
    fine = [age if age <= 24 else round(age) for age in AGES]
    offsets = [round((-age % 1) * hop) for age in fine]
    return np.array(offsets), np.array([max(0, ceil(age) - 1) for age in fine])


def _stroke(kit: Kit, lane: int, velocity: float, offset: int, frames: int) -> NDArray[np.float32]:
    hits = make_hits([(offset / kit.sample_rate, lane, velocity)])
    take = Performance(hits, np.array([(0.0, 1.0)], OPENNESS), bpm=120.0, duration=frames / kit.sample_rate)
    return mix(kit, take, seed=0, start=0.0, frames=frames)
