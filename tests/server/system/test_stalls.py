"""Stalls of the machine: what is watched, and what the doctor makes of it."""

import time

import pytest

from cli.setup import checks
from server.system.stalls import LEAST_SECONDS, cores, in_words, watch_machine


def test_what_is_found_lies_in_the_time_watched_and_the_caller_stays_where_it_may_run():
    before, began = cores(), time.perf_counter()
    stalls = watch_machine(0.1)
    assert time.perf_counter() - began >= 0.1
    assert all(began < when and length > LEAST_SECONDS for when, length in stalls)
    assert stalls == sorted(stalls)
    assert cores() == before


@pytest.mark.parametrize(
    ("stalls", "good", "lead"),
    [
        ([], True, "11"),
        ([(1.0, 0.003)], True, "14"),
        ([(1.0, 0.004)], False, "15"),
        ([(1.0, 0.02), (2.0, 0.002)], False, "31"),
        ([(1.0, 5.0)], False, "1000"),
    ],
)
def test_the_doctor_names_the_lead_that_would_hold(stalls, good, lead, monkeypatch):
    monkeypatch.setattr("server.system.stalls.watch_machine", lambda seconds: stalls)
    finding = checks._stalls(7.0)
    assert (finding.name, finding.good) == ("stalls", good)
    assert finding.found == f"{in_words(stalls)}, in 7 s"
    assert f"`--lead {lead}` (ms," in finding.remedy


def test_stalls_in_words():
    assert in_words([]) == "0 longer than 1 ms, the longest 0.0 ms"
    assert in_words([(1.0, 0.0012), (2.0, 0.0378)]) == "2 longer than 1 ms, the longest 37.8 ms"
