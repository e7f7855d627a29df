"""The store of findings: what was kept is read back with its command and date; foreign files are named."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("msgspec", reason="needs the extra evaluate")
pytest.importorskip("sklearn", reason="needs the extra evaluate")

from evaluation.bootstrap import Estimate
from evaluation.drummers.report import Claim, Figure, Section
from ghostnote.errors import InputError, MissingError
from studies.drummers.context import Findings
from studies.drummers.sections import dated, write_page
from studies.findings import FindingStore

FINDINGS = Findings(
    [Section("Hits", "Text.", [Figure("ours", "F1", Estimate(0.5, 0.4, 0.6), 7, "Next bar.", 2)], ("a.png",))],
    [Claim("F1 above 0.3", "0.5", True), Claim("fast", "-", None)],
)


@dataclass(frozen=True)
class Measured:
    vectors: NDArray[np.float32]
    values: dict[str, float]


@pytest.fixture
def store(tmp_path):
    return FindingStore(tmp_path / "deep", Findings)


def test_findings_are_read_back_as_they_were_kept_with_their_command_and_date(store):
    written = store.keep("hits", FINDINGS, "ghostnote evaluate drummers --only hits")
    assert store.kept("hits") == written
    assert written.value == FINDINGS
    assert written.command == "ghostnote evaluate drummers --only hits"
    assert written.date.startswith("20")
    assert written.command in written.origin


def test_a_value_without_an_interval_is_kept_without_one(store):
    lone = Figure("seed", "F1", Estimate(0.5, float("nan"), float("nan")), 0, "As printed.")
    store.keep("hits", Findings([Section("Hits", "", [lone])]), "")
    assert str(store.required("hits").value.sections[0].figures[0]) == str(lone)


def test_arrays_and_numbers_of_numpy_are_kept(tmp_path):
    store = FindingStore(tmp_path, Measured)
    vectors = np.arange(6, dtype=np.float32).reshape(2, 3)
    store.keep("ours", Measured(vectors, {"sc": np.float64(0.5), "nll": float("nan")}), "")
    found = store.required("ours").value
    np.testing.assert_array_equal(found.vectors, vectors)
    assert found.vectors.dtype == np.float32
    assert found.values["sc"] == 0.5
    assert np.isnan(found.values["nll"])


def test_what_was_not_measured_is_not_there(store):
    assert store.kept("none") is None
    with pytest.raises(MissingError, match="nothing was kept of 'none'"):
        store.required("none")


@pytest.mark.parametrize("data", [b"", b"{}", b"\x93\x01\x02\x03", b"\xff"])
def test_a_foreign_file_is_named(store, tmp_path, data):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.msgpack").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.msgpack does not hold findings"):
        store.kept("a")


def test_findings_of_another_kind_are_named(store, tmp_path):
    FindingStore(tmp_path / "deep", Measured).keep("a", Measured(np.zeros(1, np.float32), {}), "")
    with pytest.raises(InputError, match="does not hold findings"):
        store.kept("a")


def test_the_page_says_when_each_section_was_measured(store, tmp_path):
    found = store.keep("speed", FINDINGS, "")
    assert dated(found)[0].text == f"Text.\n\nMeasured {found.date}."
    page, _ = write_page(store, {"machine": "a test"}, tmp_path)
    assert f"- measured in parts: speed {found.date}" in page.read_text()
