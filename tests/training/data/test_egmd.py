"""E-GMD is read take by take; rows without their files are named and left out."""

import csv

import numpy as np
import pytest
import soundfile

from ghostnote.errors import InputError, MissingError
from ghostnote.files.midi import write_midi
from ghostnote.files.midi_map import load_map
from ghostnote.music.performance import Performance, make_hits
from training.data.corpora import CorpusReport
from training.data.egmd import COLUMNS, egmd_rows, read_egmd

KITS = ("Acoustic Kit", "808 Simple", "Jazz")


@pytest.fixture
def tree(tmp_path):
    """An unpacked dataset: one performance of two hits on three kits."""
    folder = tmp_path / "e-gmd-v1.0.0"
    (folder / "d1").mkdir(parents=True)
    rows = []
    for number, kit in enumerate(KITS):
        midi, audio = f"d1/1_{number}.midi", f"d1/1_{number}.wav"
        write_midi(Performance(make_hits([(0.25, 0, 0.5), (0.5, 1, 1.0)]), bpm=90), folder / midi, load_map("td17"))
        soundfile.write(folder / audio, np.zeros((8000, 2)), 8000)
        values = ("drummer1", "d1/1", "funk/x", "90", "beat", "4-4", midi, "1.0", "train", audio, kit)
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    with (folder / "e-gmd-v1.0.0.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path


def read(tree, *wanted):
    report = CorpusReport()
    return list(read_egmd(tree, report, *wanted)), report


def test_each_row_is_a_take_with_its_recording_and_kit(tree):
    takes, report = read(tree)
    assert [take.kit_name for take in takes] == list(KITS)
    for take in takes:
        assert soundfile.info(take.audio).frames == 8000
        assert take.performance.hits["lane"].tolist() == [0, 1]
        assert (take.performance.name, take.performance.style, take.performance.bpm) == ("d1/1", "funk", 90)
    assert (report.files, report.hits, report.problems) == (3, 6, {})


def test_only_wanted_rows_are_opened(tree):
    (tree / "e-gmd-v1.0.0" / "d1" / "1_0.midi").unlink()
    takes, report = read(tree, lambda row: row["kit_name"] == "Jazz")
    assert [take.kit_name for take in takes] == ["Jazz"] and not report.problems


def test_missing_and_damaged_files_are_named_and_their_rows_left_out(tree):
    folder = tree / "e-gmd-v1.0.0" / "d1"
    (folder / "1_0.midi").unlink()
    (folder / "1_1.wav").unlink()
    (folder / "1_2.wav").write_bytes(b"RIFF")
    takes, report = read(tree)
    assert not takes and report.files == 0
    assert "not readable" in report.problems["d1/1_0.midi"][0]
    assert "missing" in report.problems["d1/1_1.wav"][0]
    assert "damaged" in report.problems["d1/1_2.wav"][0]


def test_a_recording_that_ends_before_the_last_hit_is_named(tree):
    soundfile.write(tree / "e-gmd-v1.0.0" / "d1" / "1_1.wav", np.zeros(2000), 8000)
    takes, report = read(tree)
    assert len(takes) == 3
    assert report.problems == {"d1/1_1.wav": ["ends at 0.250 s, before the last hit at 0.500 s"]}


def test_a_folder_that_is_something_else_is_refused(tmp_path):
    with pytest.raises(InputError, match="e-gmd"):
        egmd_rows(tmp_path)
    with pytest.raises(MissingError, match="unpacked"):
        egmd_rows(tmp_path / "e-gmd-v1.0.0.zip")


def test_a_table_without_kits_is_refused(tree):
    table = tree / "e-gmd-v1.0.0" / "e-gmd-v1.0.0.csv"
    table.write_text(table.read_text().replace("kit_name", "kit"))
    with pytest.raises(InputError, match="no column kit_name"):
        egmd_rows(tree)
