"""The Expanded Groove MIDI Dataset (Callender et al. 2020, CC BY 4.0): performances re-recorded on 43 kits of a TD-17.

An unpacked tree: e-gmd-v1.0.0.csv and for each row a .midi and a .wav file.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import soundfile

from ghostnote.errors import InputError, MissingError
from ghostnote.files.midi_map import load_map
from ghostnote.music.performance import Performance
from training.data.corpora import CorpusReport, find_table, read_table
from training.data.groove import COLUMNS as GROOVE_COLUMNS
from training.data.groove import read_row

COLUMNS: Final = (*GROOVE_COLUMNS, "audio_filename", "kit_name")


@dataclass(frozen=True)
class EgmdTake:
    """A performance and its recording; the performance's name is the row's id, shared by the takes of all kits."""

    performance: Performance
    audio: Path
    kit_name: str


def egmd_rows(source: Path) -> tuple[Path, list[dict[str, str]]]:
    """The folder to which file names are relative, and the rows of the dataset's table (columns `COLUMNS`).

    Raises MissingError without such a folder and InputError without a usable table.
    """
    if not source.is_dir():
        raise MissingError(f"no folder {source}: E-GMD is read from its unpacked folder")
    table = find_table([path.relative_to(source).as_posix() for path in source.rglob("e-gmd*.csv")], "*.csv")
    if table is None:
        raise InputError(f"{source} holds no e-gmd*.csv: it is not the Expanded Groove MIDI Dataset")
    path = source / table
    return path.parent, read_table(path.read_bytes(), str(path), COLUMNS)


def read_egmd(
    source: Path, report: CorpusReport, wanted: Callable[[dict[str, str]], bool] = lambda row: True
) -> Iterator[EgmdTake]:
    """Takes one by one, in the table's order, of the rows that are `wanted`; 45 537 in the full dataset.

    Rows without a readable MIDI and audio file are left out and named in `report`, which grows while reading. Raises
    as `egmd_rows`.
    """
    folder, rows = egmd_rows(source)
    midi_map = load_map("td17")
    for row in rows:
        if not wanted(row):
            continue
        name, audio = row["midi_filename"], folder / row["audio_filename"]
        try:
            midi = (folder / name).read_bytes()
            length = soundfile.info(audio).duration
        except OSError as error:
            report.problem(name, f"listed in the table, but not readable: {error.strerror}")
            continue
        except soundfile.LibsndfileError as error:
            state = "damaged" if audio.is_file() else "missing"
            report.problem(row["audio_filename"], f"listed in the table, but {state}: {error.error_string}")
            continue
        performance, found = read_row(midi, row, midi_map, report)
        report.add(name, found)
        last = max(performance.hits["time"].tolist(), default=0.0)
        if last > length:
            report.problem(row["audio_filename"], f"ends at {length:.3f} s, before the last hit at {last:.3f} s")
        yield EgmdTake(performance, audio, row["kit_name"])
