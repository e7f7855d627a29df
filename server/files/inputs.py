"""What can be rendered: MIDI files under a map, and groove files."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from ghostnote.errors import InputError
from ghostnote.files.groove import read_groove_file
from ghostnote.files.midi import ReadReport, read_midi
from ghostnote.files.midi_map import MidiMap, load_map
from ghostnote.music.articulations import LANE_OF_NAME
from ghostnote.music.performance import Performance

AUTO: Final = "auto"
PAD_LANES: Final = tuple(LANE_OF_NAME[name] for name in ("hat_closed_edge", "hat_open_edge", "tom_low_rim"))
"""Pads of the TD-17 that General MIDI lacks (notes 22, 26, 58)."""


def read_performance(path: Path, midi_map: str = AUTO) -> tuple[Performance, tuple[str, ...]]:
    """The performance in a MIDI file (.mid, .midi) or groove file (.toml), and remarks of one line each.

    `midi_map`: a shipped map, a map's file, or "auto" (`choose_map`). Raises MissingError, or InputError for another
    kind of file or one without a drum hit.
    """
    if path.suffix.lower() == ".toml":
        return _not_empty(read_groove_file(path), path, ""), ()
    if path.suffix.lower() not in (".mid", ".midi"):
        raise InputError(f"cannot read {path}: expected a MIDI file (.mid, .midi) or a groove (.toml)")
    chosen = choose_map(path) if midi_map == AUTO else load_map(midi_map)
    performance, report = read_midi(path, chosen)
    return _not_empty(performance, path, _why_empty(report)), _remarks(report, chosen)


def choose_map(path: Path) -> MidiMap:
    """The map "td17" if the file was recorded on such pads, else "gm".

    Pads: every drum note is one of the TD-17's, and the file has the hi-hat's controller or a pad that General MIDI
    lacks. General MIDI means the same by most notes; it reads 40, 47 and 50 as further drums, not as rims.
    """
    td17 = load_map("td17")
    performance, report = read_midi(path, replace(td17, openness_of_lane={}))
    on_pads = len(performance.openness) > 0 or bool(np.isin(performance.hits["lane"], PAD_LANES).any())
    return td17 if on_pads and not report.unknown else load_map("gm")


def _not_empty(performance: Performance, path: Path, why: str) -> Performance:
    if not len(performance.hits):
        raise InputError(f"{path} has no drum hits{why}")
    return performance


def _why_empty(report: ReadReport) -> str:
    if report.problems:
        return f": {'; '.join(report.problems)}"
    if report.unknown:
        notes = ", ".join(map(str, sorted(report.unknown)))
        return f": none of its notes ({notes}) is in the map; choose another with --map"
    return ": the file has no notes"


def _remarks(report: ReadReport, midi_map: MidiMap) -> tuple[str, ...]:
    remarks = list(report.problems)
    if report.unknown:
        notes = ", ".join(f"{note} ({count})" for note, count in sorted(report.unknown.items()))
        remarks.append(f"notes left out because they are not in the map {midi_map.name}: {notes}")
    if report.channel not in (None, midi_map.channel):
        remarks.append(f"drums read from channel {report.channel}, the only one with notes")
    return tuple(remarks)
