"""The bytes of a Standard MIDI file -> its messages by time, with tempo and meter; faults are collected, not raised.

A small reader of our own, because mido rejects a whole file for one bad byte and takes 20 ms for a file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

DEFAULT_TEMPO: Final = 500_000
"""Microseconds per quarter note of a file without a tempo."""
DEFAULT_PPQ: Final = 960
"""Ticks per quarter note of a file whose header has 0."""
_META, _TEMPO, _METER, _END = 0xFF, 0x51, 0x58, 0x2F
_ONE_DATA_BYTE: Final = (0xC0, 0xD0)

Event = tuple[int, int, int, int]
"""Tick, status, first and second data byte (0 if there is none)."""


@dataclass
class Song:
    """A file's tracks merged by time."""

    ticks_per_quarter: float = DEFAULT_PPQ
    """With an SMPTE time base: ticks per half second, and tempo events are ignored."""
    smpte: bool = False
    events: list[Event] = field(default_factory=list[Event])
    tempos: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """(tick, microseconds per quarter note)."""
    meters: list[tuple[int, tuple[int, int]]] = field(default_factory=list[tuple[int, tuple[int, int]]])
    last_tick: int = 0
    problems: list[str] = field(default_factory=list[str])

    def seconds(self, ticks: Sequence[int]) -> NDArray[np.float64]:
        """Times of ticks under the tempo map."""
        changes = [(0, DEFAULT_TEMPO), *([] if self.smpte else self.tempos)]
        at = np.array([tick for tick, _ in changes], np.float64)
        rate = np.array([tempo for _, tempo in changes]) * 1e-6 / self.ticks_per_quarter
        elapsed = np.concatenate([[0.0], np.cumsum(np.diff(at) * rate[:-1])])
        index = np.searchsorted(at, ticks, side="right") - 1
        return elapsed[index] + (np.asarray(ticks) - at[index]) * rate[index]

    @property
    def bpm(self) -> float:
        """Tempo at tick 0, else the first one given, with the fewest decimals that give it within 1 us per quarter."""
        tempo = next((tempo for tick, tempo in reversed(self.tempos) if tick == 0), None)
        if tempo is None:
            tempo = self.tempos[0][1] if self.tempos else DEFAULT_TEMPO
        exact = 60e6 / tempo
        rounded = (round(exact, decimals) for decimals in range(7))
        return next((bpm for bpm in rounded if bpm and abs(60e6 / bpm - tempo) <= 1), exact)

    @property
    def meter(self) -> tuple[int, int]:
        """The first one given, else (4, 4)."""
        return self.meters[0][1] if self.meters else (4, 4)


def read_song(data: bytes) -> Song:
    """All tracks of a file; faults are collected in `problems`."""
    song = Song()
    start = data.find(b"MThd", 0, 64)  # a RIFF envelope may precede it
    if start < 0 or len(data) < start + 14:
        song.problems.append("not a MIDI file: no MThd header" if start < 0 else "truncated in the header")
        return song
    division = int.from_bytes(data[start + 12 : start + 14])
    song.smpte = division >= 0x8000
    if song.smpte:
        frames = 256 - (division >> 8)
        song.ticks_per_quarter = (30 / 1.001 if frames == 29 else frames) * (division & 0xFF) / 2
    else:
        song.ticks_per_quarter = division
    if not song.ticks_per_quarter:
        song.problems.append(f"corrupt header: time base 0, read as {DEFAULT_PPQ}")
        song.ticks_per_quarter = DEFAULT_PPQ
    if data[start + 9] == 2:
        song.problems.append("format 2 (independent patterns): tracks are read as if they were played together")
    found = _read_tracks(data, start + 8 + int.from_bytes(data[start + 4 : start + 8]), song)
    declared = int.from_bytes(data[start + 10 : start + 12])
    if found < max(declared, 1):
        song.problems.append(f"truncated: the header declares {declared} tracks, found {found}")
    song.events.sort(key=lambda event: event[0])
    song.tempos.sort(key=lambda change: change[0])
    song.meters.sort(key=lambda change: change[0])
    return song


def _read_tracks(data: bytes, position: int, song: Song) -> int:
    """Append the events of all tracks from `position` on to `song`; returns how many tracks there are."""
    number = 0
    while position + 8 <= len(data):
        kind, length = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8])
        position += 8
        if kind == b"MTrk":
            number += 1
            stop = min(position + length, len(data))
            try:
                complete = _read_track(data[:stop], position, song)
            except IndexError:
                complete = False
            except ValueError as error:
                song.problems.append(f"track {number}: {error}")
                complete = True
            if not complete:
                song.problems.append(f"track {number}: ends too early, truncated after tick {song.last_tick}")
        position += length
    return number


def _read_track(data: bytes, position: int, song: Song) -> bool:
    """Append one track's events to `song`; True if it ended correctly. Raises IndexError past the end of `data`."""
    events = song.events
    tick = 0
    running = 0
    while position < len(data):
        delta = data[position]
        position += 1
        if delta >= 0x80:
            delta, position = _variable(data, position - 1)
        tick += delta
        song.last_tick = max(song.last_tick, tick)
        status = data[position]
        if status < 0x80:
            if not running:
                raise ValueError(f"corrupt after tick {tick}: data byte {status} where a message should begin")
            status = running
        else:
            position += 1
        if status < 0xF0:
            running = status
            first = data[position]
            position += 1
            second = 0
            if status & 0xF0 not in _ONE_DATA_BYTE:
                second = data[position]
                position += 1
            if first > 0x7F or second > 0x7F:
                raise ValueError(f"corrupt after tick {tick}: message {status:02x} {first:02x} {second:02x}")
            events.append((tick, status, first, second))
            continue
        if status not in (0xF0, 0xF7, _META):
            raise ValueError(f"corrupt after tick {tick}: status {status:02x} is not allowed in a file")
        kind = -1
        if status == _META:
            kind = data[position]
            position += 1
        length, position = _variable(data, position)
        if position + length > len(data):
            raise IndexError
        _read_meta(kind, data[position : position + length], tick, song)
        position += length
        if kind == _END:
            return True
    return False


def _variable(data: bytes, position: int) -> tuple[int, int]:
    """A variable-length quantity and the position after it. Raises ValueError if it is longer than 4 bytes."""
    value = 0
    for index in range(position, position + 4):
        value = value << 7 | data[index] & 0x7F
        if data[index] < 0x80:
            return value, index + 1
    raise ValueError(f"corrupt at byte {position}: a length of more than 4 bytes")


def _read_meta(kind: int, body: bytes, tick: int, song: Song) -> None:
    if kind == _TEMPO and len(body) == 3 and any(body):
        song.tempos.append((tick, int.from_bytes(body)))
    elif kind == _METER and len(body) >= 2 and body[0] and body[1] <= 7:
        song.meters.append((tick, (body[0], 1 << body[1])))
    elif kind in (_TEMPO, _METER):
        song.problems.append(f"tick {tick}: unusable {'tempo' if kind == _TEMPO else 'meter'} {body.hex()}, ignored")
