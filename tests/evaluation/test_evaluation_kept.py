import pytest

pytest.importorskip("sklearn", reason="needs the extra evaluate")

from cli.evaluation_drums import Findings
from cli.evaluation_kept import dated, keep, kept, measured
from evaluation.bootstrap import Estimate
from evaluation.drummers.report import Claim, Figure, Section
from ghostnote.errors import InputError

FINDINGS = Findings(
    [Section("Hits", "Text.", [Figure("ours", "F1", Estimate(0.5, 0.4, 0.6), 7, "Next bar.", 2)], ("a.png",))],
    [Claim("F1 above 0.3", "0.5", True), Claim("fast", "-", None)],
)


def test_findings_are_read_back_as_they_were_kept(tmp_path):
    keep(tmp_path / "deep" / "hits.json", FINDINGS)
    assert kept(tmp_path / "deep" / "hits.json") == FINDINGS


def test_a_value_without_an_interval_is_kept_without_one(tmp_path):
    lone = Figure("seed", "F1", Estimate(0.5, float("nan"), float("nan")), 0, "As printed.")
    keep(tmp_path / "a.json", Findings([Section("Hits", "", [lone])]))
    found = kept(tmp_path / "a.json")
    assert found is not None
    assert str(found.sections[0].figures[0]) == str(lone)


def test_what_was_not_measured_is_not_there(tmp_path):
    assert kept(tmp_path / "none.json") is None


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"sections": [{"title": "a"}], "claims": []}'])
def test_a_foreign_file_is_named(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match="does not hold findings"):
        kept(tmp_path / "a.json")


def test_the_page_says_when_a_section_was_measured():
    assert dated(FINDINGS).sections[0].text.startswith("Text.\n\nMeasured 20")
    assert dated(FINDINGS).claims == FINDINGS.claims
    assert measured({"hits": dated(FINDINGS)}).startswith("hits 20")
