"""The page of the first start, and that of licences."""

import json
import sys

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPushButton

from cli.main import run
from cli.setup.checks import CheckResult
from desktop import first_run_page
from desktop.about import MADE_WITH, notices, program_version
from desktop.about_page import AboutPage
from desktop.first_run import SEEN, DoctorResult, is_first_run, read_findings, remember_seen, summary
from desktop.first_run_page import FirstRunPage
from ghostnote.errors import InputError
from ghostnote.files.paths import user_dir

GOOD = DoctorResult("bundle", True, "ghostnote-2, 17 kits", "")
BAD = DoctorResult(
    "realtime", False, "priority normal", "Join the group (`sudo usermod -aG audio $USER`) & log in again"
)


def texts(page):
    return [one.text() for one in page.findChildren(QLabel) if one.isVisibleTo(page)]


@pytest.fixture
def page(qt, monkeypatch):
    monkeypatch.setattr(first_run_page, "command", lambda *_: [sys.executable, "-c", "print('[]')"])
    made = FirstRunPage()
    made.show()
    yield made
    made.doctor.stop()
    made.close()


def test_the_doctor_tells_programs_what_it_found(capsys, monkeypatch):
    monkeypatch.setattr(
        "cli.setup.doctor.find", lambda bundle, watch: [CheckResult("MIDI", False, "no port", "install [x]")]
    )
    assert run(["doctor", "--json"]) == 1
    assert read_findings(capsys.readouterr().out) == [DoctorResult("MIDI", False, "no port", "install [x]")]
    assert run(["doctor"]) == 1
    assert "install [x]" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "Traceback", "{}x", json.dumps([{"name": "x"}]), "[1]", "3"])
def test_something_else_than_findings_is_refused(text):
    with pytest.raises(InputError, match="expected its findings"):
        read_findings(text)


def test_the_summary_counts_what_is_to_do():
    assert summary([GOOD]) == "Everything is ready."
    assert summary([GOOD, BAD]).startswith("One check")
    assert summary([GOOD, BAD, BAD]).startswith("2 of 3")


def test_only_whole_commands_are_there_to_copy():
    assert DoctorResult("x", False, "", "run `jackd -d alsa` or give `--midi-api jack` as `root`").commands == (
        "jackd -d alsa",
    )


def test_the_page_is_for_the_first_run_only():
    assert is_first_run()
    remember_seen()
    assert not is_first_run()


def test_what_is_to_do_comes_first_with_its_commands_to_copy(page, until):
    until(page.again.isEnabled)
    page.show_findings([GOOD, BAD])
    until(lambda: "Bundle" in texts(page))
    shown = texts(page)
    assert shown.index("Realtime") < shown.index("Bundle")
    assert any("&amp; log in" in text for text in shown)
    copy = next(one for one in page.findChildren(QPushButton) if one.text() == "Copy")
    copy.click()
    assert QGuiApplication.clipboard().text() == "sudo usermod -aG audio $USER"
    assert copy.text() == "Copied"


def test_looking_again_replaces_what_was_shown(page, until):
    page.show_findings([BAD])
    until(page.again.isEnabled)
    page.again.click()
    assert not page.again.isEnabled()
    until(page.again.isEnabled)
    until(lambda: "Realtime" not in texts(page))
    assert page.summary.text() == "Everything is ready."


def test_at_the_first_run_only_the_user_is_told_what_there_is_to_do(page, until, monkeypatch):
    until(page.again.isEnabled)
    (user_dir() / SEEN).unlink()
    rows = json.dumps([vars(BAD)])
    monkeypatch.setattr(first_run_page, "command", lambda *_: [sys.executable, "-c", f"print({rows!r})"])
    told = []
    page.look_once(told.append, 0)
    until(lambda: told)
    assert "One check" in told[0]
    page.look_once(told.append, 0)
    page.check()
    until(page.again.isEnabled)
    assert len(told) == 1


def test_a_doctor_that_fails_is_told_of(page, until, monkeypatch):
    until(page.again.isEnabled)
    for broken in ([sys.executable, "-c", "raise SystemExit('no')"], ["/nowhere/ghostnote"]):
        monkeypatch.setattr(first_run_page, "command", lambda *_, broken=broken: broken)
        page.check()
        until(page.again.isEnabled)
        assert "doctor" in page.summary.text() or "cannot be started" in page.summary.text()


def test_the_licences_name_every_part_and_give_the_kits_their_due(qt):
    page = AboutPage()
    shown = [page.names.item(n).text() for n in range(page.names.count())]
    assert "Groove MIDI Dataset" in page.text.toPlainText()
    assert len(shown) >= len(MADE_WITH)
    page.names.setCurrentRow(1)
    assert "Apache License" in page.text.toPlainText()
    assert program_version()[0].isdigit()


def test_the_packaged_licences_are_listed_by_name(tmp_path):
    (tmp_path / "licences").mkdir()
    for name in ("Qt", "numpy"):
        (tmp_path / "licences" / f"{name}.txt").write_text(f"{name} words", encoding="utf-8")
    found = notices(tmp_path)
    assert [one.title for one in found][-2:] == ["numpy", "Qt"]
    assert "cannot be read" in found[0].text
