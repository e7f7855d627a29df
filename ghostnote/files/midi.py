"""Standard MIDI files <-> performances. Times are seconds under the file's tempo map; nothing is snapped or merged.

Files are read by a small reader of our own (`ghostnote.files.midi_song`) and written with mido.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

import mido
import numpy as np

from ghostnote.errors import InputError, MissingError
from ghostnote.files.midi_map import MidiMap
from ghostnote.files.midi_song import Song, read_song
from ghostnote.music.articulations import ARTICULATIONS
from ghostnote.music.performance import CHOKE, HIT, OPENNESS, Performance

PPQ: Final = 960
"""Ticks per quarter note of written files."""
NOTE_LENGTH: Final = 0.1
"""Length [s] of written notes, that of a pad; note-offs carry no information."""
_NOTE_ON, _AFTERTOUCH, _CONTROL = 0x90, 0xA0, 0xB0


@dataclass(frozen=True)
class ReadReport:
    """What was found in one MIDI file besides the performance."""

    hits: int = 0
    channel: int | None = None
    """The channel (1..16) that was read; None = several have notes and none is the map's, so nothing was read."""
    unknown: Counter[int] = field(default_factory=Counter[int])
    """Note-ons that the map does not know, by note number; they are not in the performance."""
    other_channels: Counter[int] = field(default_factory=Counter[int])
    """Note-ons on channels that were not read, by channel 1..16."""
    problems: tuple[str, ...] = ()
    """One line for each fault of the file; everything before the fault was read."""


def read_midi(path: Path, midi_map: MidiMap) -> tuple[Performance, ReadReport]:
    """The performance in a MIDI file and a report; see `parse_midi`. Raises MissingError if it cannot be opened."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MissingError(f"cannot read MIDI file {path}: {error.strerror}") from error
    return parse_midi(data, midi_map, path.stem)


def parse_midi(data: bytes, midi_map: MidiMap, name: str = "") -> tuple[Performance, ReadReport]:
    """The performance in the bytes of a MIDI file, and a report.

    The map's channel is read if it has notes, else the only channel that has any. Truncated or corrupt data never
    raises: what could be read is returned and `ReadReport.problems` says what is wrong. Bpm and meter are those at the
    start; the duration ends with the file's last event.
    """
    song = read_song(data)
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
                problems.append(f"aftertouch at {time:.3f} s on note {first}, which is not in the map {midi_map.name}")
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


def _drum_channel(song: Song, wanted: int) -> tuple[int | None, Counter[int], str]:
    """Channel to read (1..16), note-ons on the others, and a problem if the choice fails."""
    note_ons = (status for _, status, _, velocity in song.events if status & 0xF0 == _NOTE_ON and velocity)
    counts = Counter((status & 0x0F) + 1 for status in note_ons)
    if wanted in counts or not counts:
        channel = wanted
    elif len(counts) == 1:
        channel = next(iter(counts))
    else:
        found = ", ".join(map(str, sorted(counts)))
        return None, counts, f"no notes on channel {wanted}, but on channels {found}: it is unclear which are drums"
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
