"""The Groove MIDI Dataset (Gillick et al. 2019, CC BY 4.0): info.csv and one MIDI file per performance."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final

from ghostnote.errors import InputError, MissingError
from ghostnote.files.midi import ReadReport, parse_midi
from ghostnote.files.midi_map import MidiMap, load_map
from ghostnote.music.performance import Performance
from training.data.corpora import Corpus, CorpusReport, find_table, read_files, read_table

COLUMNS: Final = ("drummer", "id", "style", "bpm", "beat_type", "time_signature", "midi_filename", "duration", "split")
KINDS: Final = ("beat", "fill")
SPLITS: Final = ("train", "validation", "test")

_log = logging.getLogger(__name__)


def read_groove(source: Path) -> Corpus:
    """All performances of the dataset from its archive (.tar.xz, .zip) or an unpacked tree, in the table's order.

    Bpm, meter, drummer, kind, split and duration come from info.csv (in the MIDI files the track's end can lie minutes
    after the last note); style is the primary style ("rock" of "rock/halftime"); name is the id. Files that are
    missing, extra or damaged are named in the report. Raises MissingError without such a source, InputError without a
    usable info.csv.
    """
    files = read_files(source, (".mid", "info.csv"))
    table = find_table(list(files), "info.csv")
    if table is None:
        raise InputError(f"{source} holds no info.csv: it is not the Groove MIDI Dataset")
    base = PurePosixPath(table).parent
    midi_map = load_map("td17")
    report = CorpusReport()
    performances: list[Performance] = []
    expected: set[str] = set()
    for row in read_table(files[table], f"{source}: {table}", COLUMNS):
        name = row["midi_filename"]
        path = str(base / name)
        expected.add(path)
        if path not in files:
            report.problem(name, "listed in info.csv, but missing")
            continue
        performance, found = read_row(files[path], row, midi_map, report)
        report.add(name, found)
        performances.append(performance)
    for path in files.keys() - expected:
        if path.endswith(".mid"):
            report.problem(path, "not listed in info.csv, not read")
    _log.info("%s: %d files, %d hits, %d with problems", source, report.files, report.hits, len(report.problems))
    return Corpus(performances, report)


def read_row(
    midi: bytes, row: dict[str, str], midi_map: MidiMap, report: CorpusReport
) -> tuple[Performance, ReadReport]:
    """The performance of a MIDI file under the conditions of its table row (columns `COLUMNS`).

    A bpm, meter or duration that the row lacks is the MIDI file's, and the report says so.
    """
    performance, found = parse_midi(midi, midi_map, row["id"])
    name = row["midi_filename"]
    bpm, meter, duration = _number(row["bpm"]), _meter(row["time_signature"]), _number(row["duration"])
    for column, value in (("bpm", bpm), ("time_signature", meter), ("duration", duration)):
        if value is None:
            report.problem(name, f"{column} {row[column]!r} in the table, that of the MIDI file is taken")
    if row["beat_type"] not in KINDS:
        report.problem(name, f"beat type {row['beat_type']!r}, expected beat or fill")
    if row["split"] not in SPLITS:
        report.problem(name, f"split {row['split']!r}, expected {', '.join(SPLITS)}")
    performance = replace(
        performance,
        bpm=bpm or performance.bpm,
        meter=meter or performance.meter,
        duration=max([duration or performance.duration, *performance.hits["time"][-1:].tolist()]),
        drummer=row["drummer"],
        style=row["style"].split("/")[0],
        kind=row["beat_type"],
        split=row["split"],
    )
    return performance, found


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None


def _meter(text: str) -> tuple[int, int] | None:
    parts = text.split("-")
    if len(parts) != 2 or not all(part.isdecimal() and int(part) for part in parts):
        return None
    return int(parts[0]), int(parts[1])


def groove_source(data: Path) -> Path:
    """The dataset's archive or tree below the folder `data`. Raises MissingError."""
    folder = data / "groove"
    for source in (folder / "groove-midi.tar.xz", folder):
        if source.is_file() or (source.is_dir() and any(source.rglob("info.csv"))):
            return source
    raise MissingError(f"no Groove MIDI Dataset in {folder}: set GHOSTNOTE_DATA or --data to the folder that holds it")


def groove_performances(data: Path) -> Sequence[Performance]:
    """All performances of the dataset below the folder `data`."""
    return read_groove(groove_source(data)).performances
