import csv

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra evaluate")

from evaluation.bootstrap import Estimate
from evaluation.drummers.knobs import response
from evaluation.drummers.latents import linear_probe
from evaluation.drummers.recognition import accuracy, auc, balanced, grouped, majority
from evaluation.drummers.report import Claim, Figure, Section, write_report

RNG = np.random.default_rng(0)
LABELS = np.repeat([0, 1, 2], 20)
TAKES = [f"take{i // 5}" for i in range(60)]


def sure(labels):
    return np.eye(4)[labels] * 0.9 + 0.025


def test_a_perfect_classifier_scores_one_and_a_blind_one_chance():
    assert accuracy(sure(LABELS), LABELS, TAKES).value == 1
    for average in ("macro", "micro"):
        assert auc(sure(LABELS), LABELS, TAKES, average).value == 1
    blind = RNG.uniform(size=(60, 4))
    assert 0.3 < auc(blind, LABELS, TAKES, "macro").value < 0.7


def test_groups_add_up_their_classes():
    probabilities = np.array([[0.3, 0.4, 0.3]])
    found = grouped(probabilities, ["metal", "jazz", "punk"], {"metal": "rock", "punk": "rock", "jazz": "jazz"})
    assert found == pytest.approx(np.array([[0.4, 0.6]]))


def test_balanced_counts_every_performance_once():
    right = np.array([True] * 9 + [False])
    assert balanced(right, ["long"] * 9 + ["short"]).value == 0.5


def test_the_majority_is_that_of_the_training_loops():
    assert majority(np.array([0, 1, 1]), np.array([1, 1, 0, 2]), ["a", "b", "c", "d"]).value == 0.5


def test_a_linear_probe_reads_what_is_there_and_no_more():
    latents = np.eye(3, 8, dtype=np.float32)[LABELS] + 0.1 * RNG.standard_normal((60, 8)).astype(np.float32)
    noise = RNG.standard_normal((60, 8)).astype(np.float32)
    assert linear_probe((latents, LABELS), (latents, LABELS), TAKES).value == 1
    assert linear_probe((noise[::2], LABELS[::2]), (noise[1::2], LABELS[1::2]), TAKES[1::2]).value < 0.7


def test_a_knob_that_works_rises_and_one_that_does_not_shows():
    settings = (0.0, 0.5, 1.0)
    works = response(settings, [[1, 2, np.nan], [2, 3, 4], [5, 6, 7]], ["a", "b", "c"])
    assert works.rising
    assert works.correlation > 0.8
    assert [e.value for e in works.measured] == [1.5, 3, 6]
    assert not response(settings, [[3, 3.5], [2, 2.5], [1, 1.5]], ["a", "b"]).rising


def test_the_report_says_of_every_number_how_it_was_measured(tmp_path):
    figures = [
        Figure("ours", "F1", Estimate(0.5, 0.4, 0.6), 7, "Next bar."),
        Figure("seed", "accuracy", Estimate(0.25, float("nan"), float("nan")), 9, "As printed."),
    ]
    claims = [Claim("F1 above 0.3", "0.5", True), Claim("fast", "-", None)]
    page, table = write_report([Section("Hits", "About hits.", figures)], claims, {"machine": "one"}, tmp_path / "docs")
    text = page.read_text()
    assert "| ours | F1 | 0.500 [0.400, 0.600] | 7 | Next bar. |" in text
    assert "| seed | accuracy | 0.250 | 9 | As printed. |" in text
    assert "| F1 above 0.3 | 0.5 | yes |" in text
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["low"] == "0.4"
    assert rows[1]["low"] == ""
    assert all(row["protocol"] for row in rows)


def test_every_style_has_its_group_and_no_group_is_absent_from_a_split(data_dir):
    pytest.importorskip("torch", reason="the corpus reader is part of training")
    from drummers.common.styles import STYLES
    from evaluation.drummers.groups import GROUPS
    from training.data.groove import groove_performances

    assert set(GROUPS) == set(STYLES)
    beats = [p for p in groove_performances(data_dir) if (p.kind, p.meter) == ("beat", (4, 4))]
    for split in ("train", "validation", "test"):
        assert {GROUPS[p.style] for p in beats if p.split == split} == set(GROUPS.values())
