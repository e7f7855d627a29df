"""Standard MIDI files <-> performances. Times are seconds under the file's tempo map; nothing is snapped or merged.

Files are read by a small reader of our own, because mido gives up a whole file for one bad byte and takes 20 ms for a
file; they are written with mido.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

import mido
import numpy as np
from numpy.typing import NDArray

from ghostnote.articulations import ARTICULATIONS
from ghostnote.errors import InputError, MissingError
from ghostnote.midi_map import MidiMap
from ghostnote.performance import CHOKE, HIT, OPENNESS, Performance

PPQ: Final = 960
"""Ticks per quarter note of written files."""
NOTE_LENGTH: Final = 0.1
"""Length [s] of written notes, that of a pad; note-offs carry no information."""
_DEFAULT_TEMPO: Final = 500_000
_NOTE_ON, _AFTERTOUCH, _CONTROL = 0x90, 0xA0, 0xB0
_META, _TEMPO, _METER, _END = 0xFF, 0x51, 0x58, 0x2F
_ONE_DATA_BYTE: Final = (0xC0, 0xD0)


@dataclass(frozen=True)
class ReadReport:
    """What was found in one MIDI file besides the performance."""

    hits: int = 0
    channel: int | None = None
    """The channel 1..16 that was read; None = several have notes and none is the map's, so nothing was read."""
    unknown: Counter[int] = field(default_factory=Counter[int])
    """Note-ons by note number that the map does not know; they are not in the performance."""
    other_channels: Counter[int] = field(default_factory=Counter[int])
    """Note-ons by channel 1..16 that were not read because the drums are elsewhere."""
    problems: tuple[str, ...] = ()
    """One line for each fault of the file; what came before the fault was read."""


def read_midi(path: Path, midi_map: MidiMap) -> tuple[Performance, ReadReport]:
    """The performance in a MIDI file and a report; see `parse_midi`. Raises MissingError if it cannot be opened."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MissingError(f"cannot read MIDI file {path}: {error.strerror}") from error
    return parse_midi(data, midi_map, path.stem)


def parse_midi(data: bytes, midi_map: MidiMap, name: str = "") -> tuple[Performance, ReadReport]:
    """The performance in the bytes of a MIDI file, and a report.

    Read is the map's channel where it has notes, else the only channel that has some. Truncated or corrupt data never
    raises: what could be read is there and `ReadReport.problems` says what is wrong. Bpm and meter are those at the
    start; the duration ends with the file's last event.
    """
    song = _read_song(data)
    channel, others, problem = _drum_channel(song, midi_map.channel)
    problems = [*song.problems, *([problem] if problem else [])]
    events = [event for event in song.events if event[1] & 0x0F == channel - 1] if channel else []
    seconds = song.seconds([event[0] for event in events])
    hits: list[tuple[float, int, float]] = []
    openness: list[tuple[float, float]] = []
    chokes: list[tuple[float, int]] = []
    unknown: Counter[int] = Counter()
    pedal_seen = False
    for time, (_, status, first, second) in zip(seconds.tolist(), events, strict=True):
        kind = status & 0xF0
        if kind == _NOTE_ON and second:
            lane = midi_map.lane_of_note.get(first)
            if lane is None:
                unknown[first] += 1
                continue
            hits.append((time, lane, float(midi_map.velocity[second])))
            if not pedal_seen and lane in midi_map.openness_of_lane:
                openness.append((time, midi_map.openness_of_lane[lane]))
        elif kind == _CONTROL and first == midi_map.controller:
            pedal_seen = True
            openness.append((time, midi_map.openness(second)))
        elif kind == _AFTERTOUCH and midi_map.choke_threshold and second >= midi_map.choke_threshold:
            if first in midi_map.lane_of_note:
                chokes.append((time, midi_map.lane_of_note[first]))
            else:
                problems.append(f"aftertouch at {time:.3f} s on note {first}, which the map {midi_map.name} lacks")
    performance = Performance(
        hits=np.array(hits, HIT),
        openness=np.array(openness, OPENNESS),
        chokes=np.array(chokes, CHOKE),
        bpm=song.bpm,
        meter=song.meter,
        duration=float(song.seconds([song.last_tick])[0]),
        name=name,
    )
    return performance, ReadReport(len(hits), channel, unknown, others, tuple(problems))


_Event = tuple[int, int, int, int]
"""Tick, status, first and second data byte (0 where there is none)."""


@dataclass
class _Song:
    """A file's tracks merged by time."""

    ticks_per_quarter: float = PPQ
    """With an SMPTE time base: ticks per half second, and tempo events are ignored."""
    smpte: bool = False
    events: list[_Event] = field(default_factory=list[_Event])
    tempos: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """(tick, microseconds per quarter note)."""
    meters: list[tuple[int, tuple[int, int]]] = field(default_factory=list[tuple[int, tuple[int, int]]])
    last_tick: int = 0
    problems: list[str] = field(default_factory=list[str])

    def seconds(self, ticks: Sequence[int]) -> NDArray[np.float64]:
        """Times of ticks under the tempo map."""
        changes = [(0, _DEFAULT_TEMPO), *([] if self.smpte else self.tempos)]
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
            tempo = self.tempos[0][1] if self.tempos else _DEFAULT_TEMPO
        exact = 60e6 / tempo
        rounded = (round(exact, decimals) for decimals in range(7))
        return next((bpm for bpm in rounded if bpm and abs(60e6 / bpm - tempo) <= 1), exact)

    @property
    def meter(self) -> tuple[int, int]:
        return self.meters[0][1] if self.meters else (4, 4)


def _read_song(data: bytes) -> _Song:
    """All tracks of a file; faults are collected in `problems`."""
    song = _Song()
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
        song.problems.append(f"corrupt header: time base 0, read as {PPQ}")
        song.ticks_per_quarter = PPQ
    if data[start + 9] == 2:
        song.problems.append("format 2 (independent patterns): tracks are read as if they sounded together")
    found = _read_tracks(data, start + 8 + int.from_bytes(data[start + 4 : start + 8]), song)
    declared = int.from_bytes(data[start + 10 : start + 12])
    if found < max(declared, 1):
        song.problems.append(f"truncated: the header declares {declared} tracks, found {found}")
    song.events.sort(key=lambda event: event[0])
    song.tempos.sort(key=lambda change: change[0])
    song.meters.sort(key=lambda change: change[0])
    return song


def _read_tracks(data: bytes, position: int, song: _Song) -> int:
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


def _read_track(data: bytes, position: int, song: _Song) -> bool:
    """Append one track's events to `song`; True if it ended as it must. Raises IndexError past the end of `data`."""
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
                raise ValueError(f"corrupt after tick {tick}: data byte {status} where a message must begin")
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


def _read_meta(kind: int, body: bytes, tick: int, song: _Song) -> None:
    if kind == _TEMPO and len(body) == 3 and any(body):
        song.tempos.append((tick, int.from_bytes(body)))
    elif kind == _METER and len(body) >= 2 and body[0] and body[1] <= 7:
        song.meters.append((tick, (body[0], 1 << body[1])))
    elif kind in (_TEMPO, _METER):
        song.problems.append(f"tick {tick}: unusable {'tempo' if kind == _TEMPO else 'meter'} {body.hex()}, ignored")


def _drum_channel(song: _Song, wanted: int) -> tuple[int | None, Counter[int], str]:
    """Channel to read (1..16), note-ons on the others, and a problem if the choice fails."""
    note_ons = (status for _, status, _, velocity in song.events if status & 0xF0 == _NOTE_ON and velocity)
    counts = Counter((status & 0x0F) + 1 for status in note_ons)
    if wanted in counts or not counts:
        channel = wanted
    elif len(counts) == 1:
        channel = next(iter(counts))
    else:
        found = ", ".join(map(str, sorted(counts)))
        return None, counts, f"no notes on channel {wanted}, and channels {found} have some: which are drums is unclear"
    return channel, Counter({other: count for other, count in sorted(counts.items()) if other != channel}), ""


def write_midi(performance: Performance, path: Path, midi_map: MidiMap) -> None:
    """Write a MIDI file (format 0, 960 ticks per quarter, one tempo) whose times are within half a tick.

    Raises InputError for hits before 0 s and for articulations that the map cannot write.
    """
    lanes = sorted({*performance.hits["lane"].tolist(), *performance.chokes["lane"].tolist()})
    missing = [ARTICULATIONS[lane].name for lane in lanes if lane not in midi_map.note_of_lane]
    if missing:
        raise InputError(f"MIDI map {midi_map.name} has no note for {', '.join(missing)}: add to its [write]")
    tempo = round(60e6 / performance.bpm)
    ticks_per_second = 1e6 / tempo * PPQ
    timed = _messages(performance, midi_map, ticks_per_second)
    if timed and timed[0][0] < 0:
        raise InputError(f"cannot write {path}: an event {-timed[0][0] / ticks_per_second:.3f} s before the start")
    try:
        track = mido.MidiTrack(
            [
                mido.MetaMessage("track_name", name=performance.name),
                mido.MetaMessage("set_tempo", tempo=tempo),
                mido.MetaMessage("time_signature", numerator=performance.meter[0], denominator=performance.meter[1]),
            ]
        )
    except ValueError as error:
        raise InputError(f"cannot write {path}: {performance.bpm:g} bpm, meter {performance.meter}: {error}") from error
    end = max(round(performance.duration * ticks_per_second), timed[-1][0] if timed else 0)
    ticks = [0, *(tick for tick, _, _ in timed), end]
    deltas = [b - a for a, b in pairwise(ticks)]
    track.extend(message.copy(time=delta) for delta, (_, _, message) in zip(deltas, timed, strict=False))
    track.append(mido.MetaMessage("end_of_track", time=deltas[-1]))
    mido.MidiFile(type=0, ticks_per_beat=PPQ, tracks=[track], charset="utf-8").save(path)


def _messages(
    performance: Performance, midi_map: MidiMap, ticks_per_second: float
) -> list[tuple[int, int, mido.Message]]:
    """(tick, rank, message) sorted; at one tick: note-offs, pedal, hits in their order, chokes."""
    channel = midi_map.channel - 1
    timed: list[tuple[int, int, mido.Message]] = []
    length = round(NOTE_LENGTH * ticks_per_second)
    next_on: dict[int, int] = {}
    hits = [(round(time * ticks_per_second), lane, velocity) for time, lane, velocity in performance.hits.tolist()]
    for tick, lane, velocity in reversed(hits):
        note = midi_map.note_of_lane[lane]
        value = midi_map.midi_velocity(velocity)
        timed.append((tick, 2, mido.Message("note_on", channel=channel, note=note, velocity=value)))
        stop = max(tick + 1, min(tick + length, next_on.get(note, tick + length)))
        timed.append((stop, 0, mido.Message("note_off", channel=channel, note=note)))
        next_on[note] = tick
    timed.reverse()
    if midi_map.controller is not None:
        for time, openness in performance.openness.tolist():
            value = midi_map.controller_value(openness)
            message = mido.Message("control_change", channel=channel, control=midi_map.controller, value=value)
            timed.append((round(time * ticks_per_second), 1, message))
    for time, lane in performance.chokes.tolist():
        note = midi_map.note_of_lane[lane]
        message = mido.Message("polytouch", channel=channel, note=note, value=127)
        timed.append((round(time * ticks_per_second), 3, message))
    return sorted(timed, key=lambda row: row[:2])
