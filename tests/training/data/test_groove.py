"""The Groove MIDI Dataset is read the same from every form of it; what is wrong is counted and named."""

import csv
import io
import tarfile
import zipfile

import numpy as np
import pytest

from ghostnote.errors import InputError, MissingError
from ghostnote.files.midi import write_midi
from ghostnote.files.midi_map import load_map
from ghostnote.music.performance import CHOKE, OPENNESS, Performance, make_hits
from training.data.groove import COLUMNS, read_groove

ROWS = [
    ("drummer1", "drummer1/s1/1", "rock/halftime", "100", "beat", "4-4", "drummer1/s1/1.mid", "5.5", "train"),
    ("drummer2", "drummer2/s1/2", "jazz", "140", "fill", "6-8", "drummer2/s1/2.mid", "2.5", "test"),
]


def write_table(folder, rows, columns=COLUMNS):
    text = io.StringIO()
    csv.writer(text).writerows([columns, *rows])
    (folder / "info.csv").write_text(text.getvalue())


@pytest.fixture
def tree(tmp_path):
    """A dataset of two performances: folder `groove` below the folder returned."""
    folder = tmp_path / "set"
    for index, row in enumerate(ROWS):
        path = folder / "groove" / row[6]
        path.parent.mkdir(parents=True)
        performance = Performance(
            hits=make_hits([(0.5, index, 0.5), (1.0, 15, 1.0)]),
            openness=np.array([(0.0, 0.0), (0.75, 1.0)], OPENNESS),
            chokes=np.array([(1.5, 15)], CHOKE),
            bpm=float(row[3]),
            duration=60.0,
        )
        write_midi(performance, path, load_map("td17"))
    write_table(folder / "groove", ROWS)
    return folder


def packed(tree, form):
    if form == "folder":
        return tree
    path = tree.parent / f"groove.{form}"
    if form == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in tree.rglob("*.*"):
                archive.write(file, file.relative_to(tree))
    else:
        with tarfile.open(path, "w:xz") as archive:
            archive.add(tree / "groove", "groove")
    return path


@pytest.mark.parametrize("form", ["folder", "zip", "tar.xz"])
def test_every_form_gives_the_same_performances(tree, form):
    corpus = read_groove(packed(tree, form))
    first, second = corpus.performances
    assert (first.name, first.drummer, first.style, first.kind, first.split) == (
        "drummer1/s1/1",
        "drummer1",
        "rock",
        "beat",
        "train",
    )
    assert (first.bpm, first.meter, first.duration) == (100, (4, 4), 5.5)
    assert (second.bpm, second.meter, second.kind, second.style) == (140, (6, 8), "fill", "jazz")
    assert first.hits["lane"].tolist() == [0, 15] and second.hits["lane"].tolist() == [1, 15]
    assert second.openness["value"].tolist() == [0, 1] and second.chokes["lane"].tolist() == [15]
    assert (corpus.report.files, corpus.report.hits, corpus.report.problems) == (2, 4, {})


def test_a_nested_table_of_something_else_is_not_taken_for_the_datasets(tree):
    (tree / "groove" / "drummer1" / "info.csv").write_text("a,b\n1,2\n")
    assert read_groove(tree).report.files == 2


def test_missing_and_unlisted_files_are_named(tree):
    (tree / "groove" / ROWS[0][6]).rename(tree / "groove" / "extra.mid")
    corpus = read_groove(tree)
    assert [performance.name for performance in corpus.performances] == [ROWS[1][1]]
    assert "missing" in corpus.report.problems["drummer1/s1/1.mid"][0]
    assert "not listed" in corpus.report.problems["groove/extra.mid"][0]


def test_a_truncated_file_keeps_what_could_be_read_and_is_named(tree):
    path = tree / "groove" / ROWS[0][6]
    whole = path.read_bytes()
    path.write_bytes(whole[:-25])
    corpus = read_groove(tree)
    assert len(corpus.performances) == 2 and len(corpus.performances[0].hits) > 0
    assert "truncated" in corpus.report.problems["drummer1/s1/1.mid"][0]


def test_unknown_notes_and_other_channels_are_counted(tree):
    path = tree / "groove" / ROWS[0][6]
    odd = path.read_bytes().replace(bytes([0x99, 36]), bytes([0x99, 99]))
    path.write_bytes(odd.replace(bytes([0x99, 49]), bytes([0x98, 49])))
    report = read_groove(tree).report
    assert report.unknown == {99: 1} and report.hits == 2
    assert "channel 9" in report.problems["drummer1/s1/1.mid"][0]


def test_values_of_the_table_that_do_not_fit_are_named_and_those_of_the_file_taken(tree):
    bad = ("d", "id", "rock", "fast", "solo", "4/4", ROWS[0][6], "", "exam")
    write_table(tree / "groove", [bad, ROWS[1]])
    corpus = read_groove(tree)
    first = corpus.performances[0]
    assert (first.bpm, first.meter, first.duration) == (100, (4, 4), pytest.approx(60, abs=1e-3))
    problems = " ".join(corpus.report.problems[ROWS[0][6]])
    assert all(word in problems for word in ("bpm 'fast'", "'4/4'", "duration ''", "'solo'", "'exam'"))


def test_the_duration_is_never_before_the_last_hit(tree):
    write_table(tree / "groove", [(*ROWS[0][:7], "0.2", "train"), ROWS[1]])
    assert read_groove(tree).performances[0].duration == pytest.approx(1.0, abs=1e-3)


def test_a_table_without_a_column_is_refused_by_the_columns_name(tree):
    write_table(tree / "groove", [row[1:] for row in ROWS], COLUMNS[1:])
    with pytest.raises(InputError, match="no column drummer"):
        read_groove(tree)


def test_an_empty_table_is_refused(tree):
    (tree / "groove" / "info.csv").write_bytes(b"")
    with pytest.raises(InputError, match="found nothing"):
        read_groove(tree)


def test_a_table_that_is_not_text_is_refused(tree):
    (tree / "groove" / "info.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a CSV table"):
        read_groove(tree)


def test_a_folder_without_a_table_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no info\.csv"):
        read_groove(tmp_path)


def test_a_source_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MissingError, match="nowhere"):
        read_groove(tmp_path / "nowhere.zip")


@pytest.mark.parametrize("form", ["zip", "tar.xz"])
@pytest.mark.parametrize("share", [0, 0.5, 0.8])
def test_a_truncated_archive_is_refused_by_name(tree, form, share):
    path = packed(tree, form)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError, match=rf"groove\.{form}"):
        read_groove(path)


def test_the_whole_dataset_is_read_without_a_loss(data_dir):
    corpus = read_groove(data_dir / "groove" / "groove-midi.tar.xz")
    assert len(corpus.performances) == corpus.report.files == 1130
    assert corpus.report.hits == sum(len(p.hits) for p in corpus.performances) == 438_601
    assert not corpus.report.unknown and not corpus.report.problems
    assert sum(len(p.chokes) for p in corpus.performances) == 12
    assert {p.split for p in corpus.performances} == {"train", "validation", "test"}
    assert all(p.duration >= p.hits["time"][-1] for p in corpus.performances)
    assert all(p.hits["velocity"].min() > 0 and p.hits["velocity"].max() <= 1 for p in corpus.performances)
