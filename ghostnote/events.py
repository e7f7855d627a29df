"""What reaches a running server: events with a time of arrival, and commands that change a setting.

Times `at` are seconds of `time.perf_counter()` at arrival, on every system and from every source (MIDI, OSC, a played
groove). All of them travel through one bounded queue to the render thread, the only one that acts on them (a bundle is
loaded by a thread of its own first). Values are validated where they enter (bridge); what is in the queue is valid.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

TransportKind = Literal["start", "stop", "continue"]
Mode = Literal["live", "window"]


@dataclass(frozen=True, slots=True)
class NoteEvent:
    """A hit."""

    at: float
    lane: int
    """Articulation, 0..21 (ghostnote.music.articulations)."""
    velocity: float
    """In (0, 1]."""
    performed: bool = False
    """It already has a drummer's timing and velocity: the setting "feel" only adds swing."""


@dataclass(frozen=True, slots=True)
class OpennessEvent:
    """The hi-hat pedal moved."""

    at: float
    value: float
    """0 closed .. 1 open."""


@dataclass(frozen=True, slots=True)
class ChokeEvent:
    """A ringing piece is choked by hand."""

    at: float
    lane: int
    """Any lane of the piece."""


@dataclass(frozen=True, slots=True)
class PanicEvent:
    """Silence everything now and drop what waits (CC120, CC123, a port that disappeared)."""

    at: float


@dataclass(frozen=True, slots=True)
class TransportEvent:
    """The host's transport changed, or jumped while it runs."""

    at: float
    kind: TransportKind
    beat: float
    """Song position in quarter notes."""


@dataclass(frozen=True, slots=True)
class ClockEvent:
    """One MIDI clock tick, 24 per quarter note."""

    at: float


@dataclass(frozen=True, slots=True)
class ProgramEvent:
    """A MIDI program change: the bundle's kit of this number."""

    at: float
    program: int
    """0..127; numbers above the last kit are ignored."""


Event = NoteEvent | OpennessEvent | ChokeEvent | PanicEvent | TransportEvent | ClockEvent | ProgramEvent


@dataclass(frozen=True, slots=True)
class SetKit:
    """One kit, or a morph of two."""

    weights: Mapping[str, float]
    """Kit id -> share; shares are in 0..1 and sum to 1."""


@dataclass(frozen=True, slots=True)
class SetDrummer:
    """The drummer whose feel grooves and, if asked for, live hits get; the sound stays the same."""

    index: int
    """0 .. number of the bundle's drummers - 1."""


@dataclass(frozen=True, slots=True)
class SetLevel:
    """Level of one piece."""

    piece: str
    db: float
    """-60 (off) .. 12."""


@dataclass(frozen=True, slots=True)
class SetPan:
    """Position of one piece."""

    piece: str
    pan: float
    """-1 left .. 1 right."""


PieceAspect = Literal["kit", "tune", "damp", "tone"]


@dataclass(frozen=True, slots=True)
class SetPieceSound:
    """How one piece sounds: another kit, tuning, damping, tone."""

    piece: str
    aspect: PieceAspect
    value: str | float
    """A kit's id ("" = that of all pieces), semitones -12..12, damping 0..1, tone -1..1."""


@dataclass(frozen=True, slots=True)
class SetFeel:
    """How much of the drummer's own feel is added to what is played."""

    aspect: Literal["timing", "velocity", "swing"]
    amount: float
    """0 as played .. 1 full; swing 0 straight .. 1 triplet."""


@dataclass(frozen=True, slots=True)
class SetMode:
    """Live (every hop) or window (4 beats at a time, one window later)."""

    mode: Mode


@dataclass(frozen=True, slots=True)
class SetTempo:
    """Tempo while no MIDI clock runs."""

    bpm: float
    """20..400."""


@dataclass(frozen=True, slots=True)
class LoadPreset:
    """Marks that all settings of a saved preset were made."""

    name: str


@dataclass(frozen=True, slots=True)
class LoadBundle:
    """Another bundle, which takes over as soon as it is loaded."""

    source: str
    """Its folder, or the name of the one playing, which changes nothing."""


@dataclass(frozen=True, slots=True)
class GrooveCommand:
    """Start generated grooves, stop them, or continue from what was played live."""

    action: Literal["prompt", "start", "stop", "continue"]
    prompt: str = ""
    """What to play, in words, for the action "prompt"."""


Command = (
    SetKit
    | SetDrummer
    | SetLevel
    | SetPan
    | SetPieceSound
    | SetFeel
    | SetMode
    | SetTempo
    | LoadPreset
    | LoadBundle
    | GrooveCommand
)
