"""Rows of the table of sound: those measured now and those kept from an earlier run stand on the same windows."""

import csv
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("msgspec", reason="needs the extra evaluate")
pytest.importorskip("matplotlib", reason="needs the extra evaluate")
pytest.importorskip("sklearn", reason="needs the extra evaluate")

from evaluation.sound.kit_id import kit_features
from evaluation.sound.rows import REFERENCE, AudioModels, Row, train_classifier
from evaluation.sound.table import write_results
from evaluation.sound.windows import choose_windows
from ghostnote.errors import InputError
from ghostnote.music.performance import Performance, make_hits
from studies.findings import FindingStore
from studies.sound.study import RATE, Bench, RowFindings, join_rows, keep_rows, measure_rows

PITCHES = {"low": 200.0, "high": 2500.0}
TAKES = [
    Performance(
        make_hits([(0.5 * i + shift, 0, 0.5 + 0.02 * i) for i in range(16)]),
        duration=8.0,
        split="test",
        name=f"take {shift}",
    )
    for shift in (0.1, 0.2)
]


def play(performance, kit, start, stop, gain=1.0):
    audio = np.zeros(stop + RATE)
    time = np.arange(RATE // 2) / RATE
    for when, _, velocity in performance.hits:
        first = round(when * RATE)
        if first < stop:
            audio[first : first + len(time)] += velocity * np.sin(2 * np.pi * PITCHES[kit] * time) * np.exp(-25 * time)
    return np.repeat(0.5 * gain * audio[start:stop, None], 2, axis=1).astype(np.float32)


def embed(audio, rate):
    return np.stack([kit_features(part, rate)[:8] for part in np.array_split(audio, 4)]).astype(np.float32)


def plain(items, what, total):
    return items


SAMPLER = Row("sampler", play, "the same again")
OURS = Row("ours", lambda p, k, a, b: play(p, k, a, b, 0.5), "too quiet", in_depth=True)


@pytest.fixture(scope="module")
def bench():
    windows = {kit: choose_windows(TAKES, kit, 3, RATE) for kit in PITCHES}
    return Bench(play, windows, AudioModels(embed, train_classifier(play, windows, RATE)), quick=True)


@pytest.fixture(scope="module")
def earlier(bench, tmp_path_factory):
    """A store in which an earlier run has kept both rows."""
    store = FindingStore(tmp_path_factory.mktemp("findings"), RowFindings)
    keep_rows(store, measure_rows([SAMPLER, OURS], bench, plain), "ghostnote evaluate --rows sampler,ours")
    return store


def test_a_kept_row_stands_beside_one_measured_now_as_if_both_were_measured_now(bench, earlier, tmp_path):
    now = measure_rows([SAMPLER], bench, plain)
    kept = [earlier.required("ours")]
    mixed = join_rows(["sampler", "ours"], now, kept, {"machine": "a test"})
    whole = join_rows(["sampler", "ours"], measure_rows([SAMPLER, OURS], bench, plain), [], {"machine": "a test"})
    for study, folder in ((mixed, "mixed"), (whole, "whole")):
        write_results(study, tmp_path / folder)
    tables = [list(csv.reader((tmp_path / name / "results.csv").open())) for name in ("mixed", "whole")]
    assert tables[0] == tables[1]
    assert any(row[:3] == ["ours", "low", "join_ratio"] for row in tables[0])


def test_the_page_says_how_and_when_a_kept_row_was_measured(bench, earlier, tmp_path):
    kept = earlier.required("ours")
    study = join_rows(["ours"], measure_rows([], bench, plain), [kept], {})
    write_results(study, tmp_path)
    line = f"- kept from earlier runs: ours {kept.date}, `ghostnote evaluate --rows sampler,ours`"
    assert line in (tmp_path / "results.md").read_text()


def test_a_row_of_other_windows_or_measures_is_refused(bench, earlier):
    now = measure_rows([], bench, plain)
    kept = earlier.required("ours")
    fewer = replace(kept, value=replace(kept.value, scores=kept.value.scores[:-1]))
    others = [replace(score, values={"sc": 1.0}) for score in kept.value.scores]
    for row in (fewer, replace(kept, value=replace(kept.value, scores=others))):
        with pytest.raises(InputError, match="row ours was kept from other windows or measures"):
            join_rows(["ours"], now, [row], {})


def test_the_reference_is_always_measured(bench):
    assert list(measure_rows([], bench, plain)) == [REFERENCE]
