"""The current settings: changed by commands in the render thread, read by any thread."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ghostnote.errors import InputError
from ghostnote.events import Command, LoadPreset, ProgramEvent, SetKit, SetLevel, SetMode, SetPan, SetPieceSound
from ghostnote.files.preset import PieceSound, Preset
from ghostnote.music.grid import HopEvents

log = logging.getLogger(__name__)


class HasName(Protocol):
    """Something with a name."""

    @property
    def name(self) -> str:
        """The name."""
        ...


class LiveRenderer(Protocol):
    """What the server needs of a renderer (server.render.renderer.Renderer)."""

    hop: int
    sample_rate: int
    channels: int
    causal: bool
    """False: only whole windows are rendered well."""
    provider: str
    """The execution provider that really runs."""

    @property
    def manifest(self) -> HasName:
        """The bundle; at least its name."""
        ...

    @property
    def kits(self) -> tuple[str, ...]:
        """Ids of the kits that can be played."""
        ...

    def figures(self) -> Mapping[str, float]:
        """Figures for the status, by name. Any thread."""
        ...

    def reset(self) -> None:
        """Become silent and forget every hit."""
        ...

    def set_kit(self, weights: Mapping[str, float]) -> None:
        """One kit or a morph, from the next hop on."""
        ...

    def set_pieces(self, pieces: Mapping[str, PieceSound]) -> None:
        """Kit, tuning, damping and tone of single pieces."""
        ...

    def set_levels(self, levels_db: Mapping[str, float], pans: Mapping[str, float]) -> None:
        """Level [dB] and pan per piece."""
        ...

    def render(self, events: Sequence[HopEvents]) -> NDArray[np.float32]:
        """Audio [len(events) * hop, channels]."""
        ...

    def learn(self, events: Sequence[HopEvents]) -> None:
        """Process the next hops quickly, without rendering."""
        ...

    def close(self) -> bool:
        """Free one network, in a few milliseconds; nothing is rendered afterwards. False once all are free."""
        ...


def apply_settings(settings: Preset, renderer: LiveRenderer) -> None:
    """Apply these settings to `renderer`. Raises InputError if they do not fit it."""
    _check_mode(settings.mode, renderer)
    renderer.set_kit(settings.kit)
    renderer.set_pieces(settings.pieces)
    renderer.set_levels(settings.levels, settings.pans)


def _check_mode(mode: str, renderer: LiveRenderer) -> None:
    if mode == "live" and not renderer.causal:
        raise InputError(
            f"bundle {renderer.manifest.name} renders whole windows and cannot play in mode live: choose mode window"
        )


class LiveSettings:
    """Applies commands to the current renderer and holds the current settings.

    `apply` belongs to the render thread. `settings` is replaced as a whole, never changed, so any thread may read it.
    """

    def __init__(self, renderer: LiveRenderer, settings: Preset | None = None, preset: str = "") -> None:
        """Applies `settings`, None = the bundle's first kit as it is; `preset`: the name of these settings.

        Raises InputError if they do not fit the renderer.
        """
        self.renderer = renderer
        self.settings = settings or Preset()
        if not self.settings.kit:
            self.settings = replace(self.settings, kit={renderer.kits[0]: 1.0})
        self.preset = preset
        """Name of the preset loaded last."""
        apply_settings(self.settings, renderer)

    def fitted(self, renderer: LiveRenderer) -> Preset:
        """The current settings, with the first kit of `renderer` where it lacks the current one."""
        known = all(kit in renderer.kits for kit in self.settings.kit)
        pieces = {
            p: s if s.kit in ("", *renderer.kits) else replace(s, kit="") for p, s in self.settings.pieces.items()
        }
        return replace(
            self.settings,
            bundle=renderer.manifest.name,
            kit=self.settings.kit if known else {renderer.kits[0]: 1.0},
            pieces=pieces,
        )

    def use(self, renderer: LiveRenderer, settings: Preset) -> None:
        """Switch to `renderer`, to which `settings` were applied."""
        wanted = self.fitted(renderer)
        if wanted != settings:  # they were changed since
            apply_settings(wanted, renderer)
        self.renderer, self.settings = renderer, wanted

    def apply(self, command: Command) -> bool:
        """Apply `command` from the next hop on; False (and a line in the log) if this bundle cannot do it."""
        try:
            wanted = self.settings.after(command)
            match command:
                case SetKit():
                    self.renderer.set_kit(wanted.kit)
                case SetPieceSound():
                    self.renderer.set_pieces(wanted.pieces)
                case SetLevel() | SetPan():
                    self.renderer.set_levels(wanted.levels, wanted.pans)
                case SetMode(mode):
                    _check_mode(mode, self.renderer)
                case LoadPreset(name):
                    self.preset = name
                case _:
                    pass
        except (InputError, ValueError) as error:
            log.warning("%s", error)
            return False
        self.settings = wanted
        return True

    def program(self, event: ProgramEvent) -> bool:
        """The kit of a MIDI program change; False when the bundle has no such kit."""
        kits = self.renderer.kits
        return event.program < len(kits) and self.apply(SetKit({kits[event.program]: 1.0}))
