"""Learning a MIDI map from pads: what was received since the last prompt, and the map that results."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import tomli_w

from bridge.midi.decode import MidiParser
from ghostnote.errors import InputError
from ghostnote.files.midi_map import MidiMap, parse_map
from ghostnote.music.articulations import ARTICULATIONS

_NOTE_ON, _POLY_TOUCH, _CONTROL = 0x90, 0xA0, 0xB0
_CHOKE_AT: Final = 64
"""Aftertouch that chokes in a learned map."""
_MIN_TRAVEL: Final = 16
"""A controller that moves by less than this is not a pedal."""


@dataclass
class ReceivedMidi:
    """What arrived since the last prompt."""

    notes: Counter[int] = field(default_factory=Counter[int])
    channels: Counter[int] = field(default_factory=Counter[int])
    """Channels 1..16 of the notes."""
    controllers: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """Values of each controller in order of arrival."""
    aftertouch: set[int] = field(default_factory=set[int])
    """Notes with polyphonic aftertouch that would choke."""


class MapLearner:
    """Builds a map from bytes. `receive` may be called by another thread than the rest."""

    def __init__(self) -> None:
        self._parser = MidiParser()
        self._received = ReceivedMidi()
        self._channels: Counter[int] = Counter()
        self.notes: dict[int, str] = {}
        """Note -> articulation, as learned so far."""
        self._openness: dict[str, Any] = {}
        self._chokes = False

    def receive(self, data: bytes) -> None:
        """Process bytes that a port received."""
        for message in self._parser.feed(data):
            kind, received = message[0] & 0xF0, self._received
            if kind == _NOTE_ON and message[2] > 0:
                received.notes[message[1]] += 1
                received.channels[(message[0] & 0x0F) + 1] += 1
            elif kind == _CONTROL:
                received.controllers.setdefault(message[1], []).append(message[2])
            elif kind == _POLY_TOUCH and message[2] >= _CHOKE_AT:
                received.aftertouch.add(message[1])

    def fresh(self) -> ReceivedMidi:
        """What was received since the last call."""
        received, self._received = self._received, ReceivedMidi()
        return received

    def learn_note(self, articulation: str, received: ReceivedMidi) -> int:
        """Give the note that was hit most often to `articulation`, and return it.

        Raises InputError if none was hit or the note belongs to another articulation already.
        """
        if not received.notes:
            raise InputError(f"{articulation}: no note was received, expected a hit on its pad")
        note = received.notes.most_common(1)[0][0]
        owner = self.notes.get(note, articulation)
        if owner != articulation:
            raise InputError(
                f"{articulation}: note {note} is already assigned to {owner}, expected another pad or zone"
            )
        self.notes[note] = articulation
        self._channels += received.channels
        self._chokes = self._chokes or bool(received.aftertouch)
        return note

    def learn_pedal(self, received: ReceivedMidi) -> int | None:
        """Use the controller that moved furthest, None if none did; the movement begins with the pedal open."""
        moved = {number: values for number, values in received.controllers.items() if _travel(values) >= _MIN_TRAVEL}
        if not moved:
            return None
        number = max(moved, key=lambda n: _travel(moved[n]))
        low, high = min(moved[number]), max(moved[number])
        opens_high = moved[number][0] > (low + high) / 2
        self._openness = {"controller": number, "open": high if opens_high else low}
        self._openness["closed"] = low if opens_high else high
        return number

    def learn_choke(self, received: ReceivedMidi) -> bool:
        """Whether grabbing a cymbal sent aftertouch."""
        self._chokes = self._chokes or bool(received.aftertouch)
        return bool(received.aftertouch)

    def table(self, description: str) -> dict[str, Any]:
        """The map's TOML table. Raises InputError if no pad was learned."""
        if not self.notes:
            raise InputError("no pad was learned: nothing to save")
        order = [a.name for a in ARTICULATIONS]
        notes = sorted(self.notes.items(), key=lambda item: (order.index(item[1]), item[0]))
        return {
            "description": description,
            "channel": self._channels.most_common(1)[0][0],
            "notes": {str(note): articulation for note, articulation in notes},
            **({"openness": self._openness} if self._openness else {}),
            **({"choke": {"aftertouch": _CHOKE_AT}} if self._chokes else {}),
        }

    def text(self, description: str) -> str:
        """The map's file. Raises InputError as `table` does."""
        return tomli_w.dumps(self.table(description))

    def map(self, name: str) -> MidiMap:
        """The map as it would be read back."""
        return parse_map(self.table(name), name, name)


def _travel(values: list[int]) -> int:
    return max(values) - min(values)
