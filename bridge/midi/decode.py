"""MIDI bytes to events and back, by a MIDI map. Pure: no port, no clock."""

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Final

from ghostnote.events import (
    ChokeEvent,
    ClockEvent,
    Event,
    NoteEvent,
    OpennessEvent,
    PanicEvent,
    ProgramEvent,
    TransportEvent,
    TransportKind,
)
from ghostnote.files.midi_map import MidiMap

TICKS_PER_BEAT: Final = 24
"""MIDI clock ticks per quarter note; a song position counts 6 ticks."""
_NOTE_OFF, _NOTE_ON, _POLY_TOUCH, _CONTROL, _PROGRAM = 0x80, 0x90, 0xA0, 0xB0, 0xC0
_SYSEX, _SONG_POSITION, _CLOCK = 0xF0, 0xF2, 0xF8
_TRANSPORT: Final[dict[int, TransportKind]] = {0xFA: "start", 0xFB: "continue", 0xFC: "stop"}
_PANIC_CONTROLLERS: Final = (120, 123)
"""All sound off, all notes off."""
_DATA_BYTES: Final = {
    **{status: 1 if 0xC0 <= status < 0xE0 else 2 for status in range(0x80, 0xF0)},
    **{0xF1: 1, _SONG_POSITION: 2, 0xF3: 1},
}
"""Number of data bytes of each status that has any; sysex is skipped."""

_log = logging.getLogger("midi.in")

Message = tuple[int, ...]
"""A status byte and its data bytes."""


class MidiParser:
    """Cuts a byte stream into messages; keeps the running status, lets realtime bytes pass anywhere, skips sysex.

    Buffers at most three bytes. Not thread-safe.
    """

    def __init__(self) -> None:
        self._status = 0
        self._data: list[int] = []

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages completed by these bytes; an incomplete one waits for the next call."""
        for byte in data:
            if byte >= _CLOCK:
                yield (byte,)
            elif byte >= 0x80:
                self._status, self._data = byte, []
            elif self._status in _DATA_BYTES:
                self._data.append(byte)
                if len(self._data) == _DATA_BYTES[self._status]:
                    yield (self._status, *self._data)
                    self._data = []
                    if self._status >= _SYSEX:  # running status is for channel messages only
                        self._status = 0


class MidiDecoder:
    """Events from what a port receives, by the rules of a map. One thread.

    Note-offs are ignored. A hi-hat controller moves the pedal; until one has been seen, hi-hat hits
    imply the opening if the map says so. Aftertouch chokes when it reaches the map's threshold.
    """

    def __init__(self, midi_map: MidiMap, channel: int | None = None) -> None:
        """`channel`: the only channel (1..16) that is read, None = all."""
        self.midi_map = midi_map
        self.channel = channel
        self.unknown: Counter[int] = Counter()
        """Note-ons that the map does not know, counted by note."""
        self._parser = MidiParser()
        self._pedal_seen = False
        self._pressed: set[int] = set()
        self._running = False
        self._ticks = 0

    def feed(self, at: float, data: bytes) -> list[Event]:
        """Events of these bytes, which arrived at `at` [s of perf_counter]. Never raises, whatever the bytes."""
        return [event for message in self._parser.feed(data) for event in self._decode(at, message)]

    def _decode(self, at: float, message: Message) -> list[Event]:
        status = message[0]
        if status >= _SYSEX:
            return self._system(at, message)
        if self.channel is not None and (status & 0x0F) + 1 != self.channel:
            return []
        kind, first, second = status & 0xF0, message[1], message[-1]
        if kind == _NOTE_ON and second > 0:
            return self._note(at, first, second)
        if kind == _POLY_TOUCH:
            return self._touch(at, first, second)
        if kind == _PROGRAM:
            return [ProgramEvent(at, first)]
        if kind == _CONTROL and first in _PANIC_CONTROLLERS:
            return [PanicEvent(at)]
        if kind == _CONTROL and first == self.midi_map.controller:
            self._pedal_seen = True
            return [OpennessEvent(at, self.midi_map.openness(second))]
        return []

    def _note(self, at: float, note: int, velocity: int) -> list[Event]:
        lane = self.midi_map.lane_of_note.get(note)
        if lane is None:
            if note not in self.unknown:
                _log.warning("note %d is not in the map %s and is not played", note, self.midi_map.name)
            self.unknown[note] += 1
            return []
        hit = NoteEvent(at, lane, float(self.midi_map.velocity[velocity]))
        if self._pedal_seen or lane not in self.midi_map.openness_of_lane:
            return [hit]
        return [OpennessEvent(at, self.midi_map.openness_of_lane[lane]), hit]

    def _touch(self, at: float, note: int, value: int) -> list[Event]:
        lane, threshold = self.midi_map.lane_of_note.get(note), self.midi_map.choke_threshold
        if lane is None or threshold is None:
            return []
        if value < threshold:
            self._pressed.discard(note)
            return []
        risen = note not in self._pressed
        self._pressed.add(note)
        return [ChokeEvent(at, lane)] if risen else []

    def _system(self, at: float, message: Message) -> list[Event]:
        status = message[0]
        if status == _CLOCK:
            self._ticks += self._running
            return [ClockEvent(at)]
        if status == _SONG_POSITION:
            self._ticks = 6 * (message[1] + 128 * message[2])
            return [self._transport(at, "continue")] if self._running else []
        if status not in _TRANSPORT:
            return []
        kind = _TRANSPORT[status]
        self._running = kind != "stop"
        if kind == "start":
            self._ticks = 0
        return [self._transport(at, kind)]

    def _transport(self, at: float, kind: TransportKind) -> TransportEvent:
        return TransportEvent(at, kind, self._ticks / TICKS_PER_BEAT)


def encode(event: Event, midi_map: MidiMap) -> bytes:
    """The MIDI bytes that play an event, b"" where the map cannot write it (clock and transport are not written)."""
    channel = midi_map.channel - 1
    match event:
        case NoteEvent(_, lane, velocity) if lane in midi_map.note_of_lane:
            return bytes((_NOTE_ON | channel, midi_map.note_of_lane[lane], midi_map.midi_velocity(velocity)))
        case OpennessEvent(_, value) if midi_map.controller is not None:
            return bytes((_CONTROL | channel, midi_map.controller, midi_map.controller_value(value)))
        case ChokeEvent(_, lane) if lane in midi_map.note_of_lane:
            return bytes((_POLY_TOUCH | channel, midi_map.note_of_lane[lane], 127))
        case PanicEvent():
            return bytes((_CONTROL | channel, 123, 0))
        case _:
            return b""


def release(message: bytes) -> bytes:
    """What must follow a message of `encode` so that no note hangs: note-off, aftertouch 0; b"" for other messages."""
    kind = message[0] & 0xF0 if message else 0
    if kind == _NOTE_ON:
        return bytes((_NOTE_OFF | message[0] & 0x0F, message[1], 64))
    return bytes((message[0], message[1], 0)) if kind == _POLY_TOUCH else b""
