"""The settings in force: changed by commands in the render thread, read by anyone."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ghostnote.errors import InputError
from ghostnote.events import (
    Command,
    LoadPreset,
    Mode,
    ProgramEvent,
    SetDrummer,
    SetFeel,
    SetKit,
    SetLevel,
    SetMode,
    SetPan,
    SetTempo,
)
from ghostnote.grid import HopEvents

log = logging.getLogger(__name__)

AS_PLAYED: Final = {"timing": 0.0, "velocity": 0.0, "swing": 0.0}


class Renders(Protocol):
    """What the engine and its control need of a renderer (server.renderer.Renderer)."""

    hop: int
    sample_rate: int
    channels: int
    kits: tuple[str, ...]

    def reset(self) -> None:
        """Silence; forget every hit."""
        ...

    def set_kit(self, weights: Mapping[str, float]) -> None:
        """One kit or a morph, from the next hop on."""
        ...

    def set_drummer(self, index: int) -> None:
        """The feel asked of the predictor."""
        ...

    def set_levels(self, levels_db: Mapping[str, float], pans: Mapping[str, float]) -> None:
        """Level [dB] and pan per piece."""
        ...

    def render(self, events: Sequence[HopEvents]) -> NDArray[np.float32]:
        """Audio [len(events) * hop, channels]."""
        ...


@dataclass(frozen=True)
class Settings:
    """Everything a player can set."""

    kit: Mapping[str, float]
    """Kit id -> share."""
    drummer: int = 0
    levels: Mapping[str, float] = field(default_factory=dict[str, float])
    """Piece -> dB, where not 0."""
    pans: Mapping[str, float] = field(default_factory=dict[str, float])
    """Piece -> -1..1, where not 0."""
    feel: Mapping[str, float] = field(default_factory=lambda: dict(AS_PLAYED))
    mode: Mode = "live"
    bpm: float = 120.0


class Control:
    """Applies commands to a renderer and remembers what is in force.

    `apply` belongs to the render thread. `settings` is replaced as a whole, never changed, so any thread may read it.
    `changed` is called in the render thread after every change that took effect and must only take note of it.
    """

    def __init__(self, renderer: Renders, changed: Callable[[Command], None] = lambda command: None) -> None:
        self._renderer = renderer
        self.settings = Settings(kit={renderer.kits[0]: 1.0})
        self.changed = changed
        self.restore(self.settings)

    def restore(self, settings: Settings) -> None:
        """Put all of `settings` in force, as after a new start."""
        self._renderer.set_kit(settings.kit)
        self._renderer.set_drummer(settings.drummer)
        self._renderer.set_levels(settings.levels, settings.pans)
        self.settings = settings

    def apply(self, command: Command) -> bool:
        """Put `command` in force; False (and a line in the log) when this bundle cannot do it."""
        try:
            self._apply(command)
        except InputError as error:
            log.warning("%s", error)
            return False
        self.changed(command)
        return True

    def program(self, event: ProgramEvent) -> bool:
        """The kit of a MIDI program change; False when the bundle has no such kit."""
        kits = self._renderer.kits
        return event.program < len(kits) and self.apply(SetKit({kits[event.program]: 1.0}))

    def _apply(self, command: Command) -> None:
        now = self.settings
        match command:
            case SetKit(weights):
                self._renderer.set_kit(weights)
                self.settings = replace(now, kit=weights)
            case SetDrummer(index):
                self._renderer.set_drummer(index)
                self.settings = replace(now, drummer=index)
            case SetLevel(piece, db):
                levels = {**now.levels, piece: db}
                self._renderer.set_levels(levels, now.pans)
                self.settings = replace(now, levels=levels)
            case SetPan(piece, pan):
                pans = {**now.pans, piece: pan}
                self._renderer.set_levels(now.levels, pans)
                self.settings = replace(now, pans=pans)
            case SetFeel(aspect, amount):
                self.settings = replace(now, feel={**now.feel, aspect: amount})
            case SetMode(mode):
                self.settings = replace(now, mode=mode)
            case SetTempo(bpm):
                self.settings = replace(now, bpm=bpm)
            case LoadPreset(name):
                raise InputError(f"preset {name!r} was not unpacked into single commands before it was queued")
