"""A sampled kit becomes a kit file: each of its recordings is encoded once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from codec.encoder import StrokeEncoder
from ghostnote.music.articulations import ARTICULATIONS
from kits.coded_kit import KIT_FORMAT, CodedKit, KitFacts, join_strokes
from kits.layers import KitSummary


class Sampled(Protocol):
    """A kit of recordings at 48 kHz (`sampler.kit.Kit`)."""

    @property
    def info(self) -> KitSummary:
        """What lists show."""
        ...

    @property
    def layers(self) -> NDArray[np.void]:
        """dtype kits.layers.LAYER."""
        ...

    @property
    def samples(self) -> tuple[NDArray[np.float32], ...]:
        """Of each stroke, [frames, 2]."""
        ...

    @property
    def choke_groups(self) -> tuple[tuple[int, ...], ...]:
        """Lanes that silence each other."""
        ...


def encode_kit(
    kit: Sampled,
    encoder: StrokeEncoder,
    codec: str,
    *,
    source: str = "",
    remarks: tuple[str, ...] = (),
    workers: int = 1,
    advance: Callable[[float], None] | None = None,
) -> CodedKit:
    """`kit` as codes of the codec with this fingerprint. `advance` is called with the share that is done, 0..1."""
    with ThreadPoolExecutor(workers) as pool:
        coded: list[tuple[NDArray[np.uint16], NDArray[np.int16], int]] = []
        for n, (codes, modes) in enumerate(pool.map(encoder.encode, kit.samples)):
            coded.append((codes, modes, len(kit.samples[n])))
            if advance:
                advance((n + 1) / len(kit.samples))
    info = kit.info
    groups = tuple(tuple(ARTICULATIONS[lane].name for lane in group) for group in kit.choke_groups)
    facts = KitFacts(
        KIT_FORMAT, codec, info.id, info.name, info.licence, info.author, info.character, source, remarks,
        choke_groups=groups,
    )  # fmt: skip
    return CodedKit(facts, kit.layers, *join_strokes(coded))
