"""What a row of the OSC table is made of: arguments with type and range, addresses, and the state that they read.

Everything here is pure. Checking a message raises InputError saying what was found and what was expected.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from ghostnote.errors import InputError
from ghostnote.events import Command, Event, TransportKind
from ghostnote.files.preset import Preset

ROOT: Final = "/ghostnote"
Value = str | int | float
Values = tuple[Value, ...]


@dataclass(frozen=True)
class ServerSnapshot:
    """Settings and state of a running server, as an immutable snapshot."""

    settings: Preset = field(default_factory=Preset)
    kits: tuple[str, ...] = ()
    """Kit ids."""
    drummers: tuple[str, ...] = ()
    preset: str = ""
    """The preset loaded last, "" for none."""
    bundles: tuple[str, ...] = ()
    """The bundles that ship."""
    loading: str = ""
    """The bundle that is being loaded, "" for none."""
    faults: Mapping[str, str] = field(default_factory=dict[str, str])
    """Address -> why its last request failed after it was accepted, "" if it did not."""
    record: Values = (0, "", "")
    """1 while recording, and the files (WAV, MIDI) of the current or last recording."""
    groove: tuple[str, str, int] = ("stopped", "", 0)
    """"stopped", "listening" or "playing"; the prompt, "" when it plays on; the bar that sounds, from 1, 0 for none."""
    transport: TransportKind = "stop"
    beat: float = 0.0
    """Song position in quarter notes."""
    latency: int = 0
    """Frames from a hit's arrival to its sound."""
    sample_rate: int = 48_000
    status: Mapping[str, Value] = field(default_factory=dict[str, Value])
    """Figures of the engine by name: xruns, late hops, queue depth ..."""

    @property
    def piece_kits(self) -> tuple[str, ...]:
        """Kits that a single piece may have, "" for that of all pieces."""
        return ("", *self.kits)


@dataclass(frozen=True)
class Argument:
    """One argument of an address."""

    name: str
    type: Literal["f", "i", "s"]
    """OSC type: float, integer, string. A number of the other numeric type is accepted where it fits."""
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""
    choices: tuple[str, ...] = ()
    of_state: Literal["", "kits", "piece_kits", "drummers"] = ""
    """The field of `ServerSnapshot` with the choices: their names for a string, their indices for an integer."""
    optional: bool = False
    switch: bool = False
    """For a string: the numbers 1 and 0 are accepted, too, and read as "1" and "0"."""

    def bounds(self, state: ServerSnapshot) -> tuple[float, float]:
        """Least and greatest value of a number."""
        return (0, len(getattr(state, self.of_state)) - 1) if self.of_state else (self.low, self.high)

    def names(self, state: ServerSnapshot) -> tuple[str, ...]:
        """Values that a string may have, () = any."""
        return getattr(state, self.of_state) if self.of_state else self.choices

    def expected(self, state: ServerSnapshot) -> str:
        """The accepted values, in words."""
        if self.type == "s":
            names = self.names(state)
            return f"one of {', '.join(names)}" if names else "1, 0 or a text" if self.switch else "a text"
        low, high = self.bounds(state)
        kind = "a whole number" if self.type == "i" else "a number"
        if math.isinf(high):
            span = "" if math.isinf(low) else f" from {low:g}"
        else:
            span = f" {low:g}..{high:g}"
        return kind + span + (f" {self.unit}" if self.unit else "")

    def check(self, value: Any, state: ServerSnapshot, path: str) -> Value:
        """`value` as this argument's type. Raises InputError saying what was found and what was expected."""
        wrong = InputError(f"{path}: {self.name} = {value!r:.60}, expected {self.expected(state)}")
        if self.type == "s":
            names = self.names(state)
            if self.switch and value in (0, 1):
                return str(int(value))
            if not isinstance(value, str) or (names and value not in names):
                raise wrong
            return value
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise wrong
        low, high = self.bounds(state)
        if not low <= value <= high or (self.type == "i" and value != int(value)):
            raise wrong
        return int(value) if self.type == "i" else float(value)


Read = Callable[[ServerSnapshot], Values]
Make = Callable[[ServerSnapshot, float, Values], Sequence[Event | Command]]


@dataclass(frozen=True)
class Address:
    """One row of the table."""

    path: str
    about: str
    """One sentence for the documentation."""
    arguments: tuple[Argument, ...] = ()
    read: Read | None = None
    """Reads the current value, the answer to a message without arguments; None = there is none."""
    make: Make | None = None
    """State, time of the message [s of perf_counter], checked arguments -> what to do; None = nothing to enqueue."""
    feedback: bool = False
    """Subscribers are sent the value whenever it changes."""
    replies: str = ""
    """OSC types of the answer if they are not those of the arguments; "..." = repeated."""
    served: bool = False
    """The server itself acts on it: subscriptions, loading of presets."""

    @property
    def writable(self) -> bool:
        """Whether a message other than a query does something."""
        return self.make is not None or self.served

    def check(self, args: Sequence[Any], state: ServerSnapshot) -> Values:
        """The arguments of a message as their types. Raises InputError."""
        needed = sum(not a.optional for a in self.arguments)
        if not needed <= len(args) <= len(self.arguments) or (not self.writable and args):
            raise InputError(f"{self.path}: {len(args)} arguments, expected {self.usage()}")
        return tuple(a.check(value, state, self.path) for a, value in zip(self.arguments, args, strict=False))

    def usage(self) -> str:
        """The arguments in words, such as "transport (text) [beat (number)]"."""
        if not self.arguments or not self.writable:
            return "none"
        word = {"f": "number", "i": "whole number", "s": "text"}
        parts = (f"{a.name} ({word[a.type]})" for a in self.arguments)
        return " ".join(f"[{p}]" if a.optional else p for p, a in zip(parts, self.arguments, strict=True))
