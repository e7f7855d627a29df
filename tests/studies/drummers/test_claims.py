"""What has to hold: yes, no, or undecided."""

import pytest

pytest.importorskip("sklearn", reason="needs the extra evaluate")

from evaluation.bootstrap import Estimate
from evaluation.drummers.report import Claim, claims_text
from studies.drummers.styles import near


def test_a_gap_is_small_only_with_all_of_its_interval():
    assert near("gap", Estimate(0.01, -0.03, 0.049)).holds is True
    assert near("gap", Estimate(0.10, 0.06, 0.2)).holds is False
    assert near("gap", Estimate(0.04, 0.01, 0.07), decides=True).holds is False


def test_an_interval_that_holds_small_and_large_gaps_leaves_it_undecided():
    found = near("gap", Estimate(0.105, -0.013, 0.22))
    assert found.holds is None and found.verdict == "undecided (no by the value)"
    assert near("gap", Estimate(0.03, -0.013, 0.22)).verdict == "undecided (yes by the value)"


def test_a_verdict_stands_in_the_table_instead_of_yes_or_no():
    _, table = claims_text([Claim("a", "1", True), Claim("b", "2", None, "undecided"), Claim("c", "3", None)])
    assert [line.split("|")[3].strip() for line in table.splitlines()[2:]] == ["yes", "undecided", "not measured"]
