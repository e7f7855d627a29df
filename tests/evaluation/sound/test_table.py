import csv

import numpy as np
import pytest

from evaluation.sound.depth import row_dynamics, row_joins
from evaluation.sound.kit_id import KitClassifier, kit_features
from evaluation.sound.rows import REFERENCE, AudioModels, Row, score_rows, train_classifier
from evaluation.sound.summary import Study
from evaluation.sound.table import write_results
from evaluation.sound.targets import check_targets
from evaluation.sound.windows import windows_of
from evaluation.tables import fixed
from ghostnote.errors import InputError
from ghostnote.music.performance import Performance, make_hits

RATE = 16000
KITS = {"low": 200.0, "high": 2500.0}
TAKES = [
    Performance(
        make_hits([(0.5 * i + shift, 0, 0.5 + 0.02 * i) for i in range(16)]), bpm=120, duration=8.0, name=f"take {n}"
    )
    for n, shift in enumerate((0.1, 0.2, 0.3))
]
WINDOWS = {kit: [w for take in TAKES for w in windows_of(take, RATE)] for kit in KITS}


def play(performance: Performance, kit: str, start: int, stop: int, gain: float = 1.0) -> np.ndarray:
    """Decaying tones of the kit's pitch, velocity as amplitude, tails kept over the window's edge."""
    audio = np.zeros(stop + RATE)
    time = np.arange(RATE // 2) / RATE
    for when, _, velocity in performance.hits:
        first = round(when * RATE)
        if first < stop:
            audio[first : first + len(time)] += velocity * np.sin(2 * np.pi * KITS[kit] * time) * np.exp(-time / 0.04)
    return np.repeat(0.5 * gain * audio[start:stop, None], 2, axis=1).astype(np.float32)


def silent(performance: Performance, kit: str, start: int, stop: int) -> np.ndarray:
    return np.zeros((stop - start, 2), np.float32)


def embed(audio: np.ndarray, rate: int) -> np.ndarray:
    return np.stack([kit_features(part, rate)[:8] for part in np.array_split(audio, 4)]).astype(np.float32)


CODES = {"nll": 2.0, "accuracy": 0.25}
ROWS = [
    Row("silence", silent, "nothing"),
    Row("sampler", play, "the same again"),
    Row("oracle", play, "the same once more"),
    Row("base", lambda p, k, a, b: play(p, k, a, b, 0.2), "much too quiet", codes=lambda p, k, a, b: CODES),
    Row("ours", lambda p, k, a, b: play(p, k, a, b, 0.98), "a little too quiet", in_depth=True),
]

NAMED = {row.name: row.description for row in ROWS}


@pytest.fixture(scope="module")
def study() -> Study:
    models = AudioModels(embed, train_classifier(play, WINDOWS, RATE))
    study = Study(NAMED, list(score_rows(ROWS, play, WINDOWS, RATE, models)), {"machine": "a test"})
    for kit in KITS:
        study.dynamics["ours", kit] = row_dynamics(ROWS[-1].render, kit, RATE, [0, 1])
        study.joins["ours", kit] = row_joins(ROWS[-1].render, kit, TAKES[0], RATE)
    return study


def test_every_row_is_measured_on_the_same_windows(study):
    windows = {(s.kit, s.performance, s.start) for s in study.scores}
    assert len(windows) == 18
    for row in study.names:
        assert {(s.kit, s.performance, s.start) for s in study.of(row)} == windows


def test_the_reference_is_perfect_and_silence_is_not(study):
    assert study.estimate(REFERENCE, "sc").value == 0
    assert study.estimate(REFERENCE, "onset_f1_10ms").value == 1
    assert study.estimate(REFERENCE, "kit_id").value == 1
    assert study.estimate("silence", "sc").value == pytest.approx(1)
    assert study.estimate("silence", "onset_f1_50ms").value == 0
    assert study.estimate("base", "sc").value == pytest.approx(0.8, abs=1e-3)
    assert study.estimate("base", "level_db", "low").value == pytest.approx(-13.98, abs=0.1)
    assert study.difference("ours", "base", "sc").high < 0
    assert study.fad("sampler").whole.value == pytest.approx(0, abs=1e-6)
    assert study.fad("silence").whole.value > study.fad("ours").whole.value


def test_targets_are_judged_by_intervals_and_worst_kits(study):
    fads = {row: study.fad(row) for row in study.names}
    ours = {target.text: target for target in check_targets(study, "ours", fads)}
    base = {target.text: target for target in check_targets(study, "base", fads)}
    level = "mean level within ±1.0 dB on every kit"
    assert ours[level].met
    assert not base[level].met
    assert ours["bands_db better than base, intervals apart"].met
    assert not ours["onset_f1_50ms better than base, intervals apart"].met
    assert ours["bands_db at most 1.95"].met and not base["bands_db at most 1.95"].met
    assert ours["kit identified at least 0.85 of what true audio gives"].met
    assert ours["velocity to loudness monotone for kick, snare and toms on every kit"].measured == "4 of 4"
    assert ours["largest step at window joins at most that elsewhere"].met


def test_results_hold_every_row_kit_and_measure(study, tmp_path):
    (tmp_path / "spectrograms").mkdir()
    write_results(study, tmp_path / "docs", "ours", ["spectrograms/low.png"])
    text = (tmp_path / "docs" / "results.md").read_text()
    main = text[text.index("## All kits") : text.index("## Targets")]
    for row in study.names:
        assert f"\n| {row} | " in main
    assert "- machine: a test" in text
    assert "18 windows of 3 performances on 2 kits" in text
    assert "72 YAMNet vectors a side, projected onto 7 principal axes" in text
    assert "![low](spectrograms/low.png)" in text
    with (tmp_path / "docs" / "results.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    found = {(line["row"], line["kit"], line["measure"]): float(line["value"]) for line in lines}
    assert found["base", "all", "sc"] == pytest.approx(0.8, abs=1e-3)
    assert found["ours", "high", "slope_db_kick"] > 0
    for row in study.names:
        assert {(row, "all", "fad"), (row, "all", "fad_inf"), (row, "low", "mae")} <= found.keys()


def test_sections_without_measurements_are_left_out(study, tmp_path):
    write_results(Study({"silence": "nothing"}, study.scores, {}), tmp_path)
    text = (tmp_path / "results.md").read_text()
    assert not any(title in text for title in ("Dynamics", "Window joins", "Spectrograms", "Targets"))


def test_a_row_that_renders_the_wrong_length_or_no_numbers_is_named():
    models = AudioModels(embed, KitClassifier([np.zeros(160), np.ones(160)], ["low", "high"]))
    for broken in (lambda p, k, a, b: play(p, k, a, b)[1:], lambda p, k, a, b: play(p, k, a, b) * np.nan):
        with pytest.raises(InputError, match="row broken rendered"):
            list(score_rows([Row("broken", broken, "")], play, WINDOWS, RATE, models))


def test_zero_has_no_sign():
    assert fixed(-0.0004, 2) == "0.00"
    assert fixed(-0.5, 1) == "-0.5"


def test_predicted_codes_are_shown_for_the_rows_that_predict_them(study, tmp_path):
    write_results(study, tmp_path)
    assert "| base | 2.000 [2.000, 2.000] | 7.4 | 0.250 [0.250, 0.250] |" in (tmp_path / "results.md").read_text()
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = {r["row"] for r in csv.DictReader(file) if r["measure"] == "nll"}
    assert rows == {"base"}
