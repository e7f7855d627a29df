import csv
import json
import threading
import urllib.error
import urllib.request
from math import comb

import numpy as np
import pytest
import soundfile

pytest.importorskip("pyloudnorm", reason="needs the extra evaluate")

from cli.main import run
from ghostnote.errors import InputError, MissingError
from listening.clips import common_loudness, find_clips, matched_wav, measure_loudness, read
from listening.results import HEADER, Answer, abx_score, append, opinion, read_answers
from listening.server import ListenServer
from listening.session import ListeningRequest, ListeningSession
from listening.trials import abx_trials, paired

RATE = 24000


def clip(path, gain, seed=0, seconds=0.8):
    noise = np.random.default_rng(seed).standard_normal((int(seconds * RATE), 2))
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, np.clip(gain * noise, -1, 1), RATE)


@pytest.fixture
def folders(tmp_path):
    for number in range(3):
        clip(tmp_path / "real" / f"{number}.wav", 0.2, number)
        clip(tmp_path / "made" / f"{number}.flac", 0.01, number + 9)
    return tmp_path / "real", tmp_path / "made"


@pytest.fixture
def session(folders, tmp_path):
    def make(**changes):
        return ListeningSession(
            ListeningRequest(*folders, tmp_path / "answers.csv", **({"trials": 5, "listener": "ann"} | changes))
        )

    return make


def answer(listener="ann", mode="abx", truth="a", given="a"):
    return Answer(listener, mode, 1, 1, "x", "A", "B", truth, given, 1.5, 2, "2026-01-01T00:00:00+00:00")


def test_all_clips_get_one_loudness_and_none_clips(folders, tmp_path):
    paths = [path for folder in folders for path in find_clips(folder).values()]
    levels = [measure_loudness(path) for path in paths]
    assert max(level.lufs for level in levels) - min(level.lufs for level in levels) > 20
    target = common_loudness(levels)
    assert target <= -23
    for number, (path, level) in enumerate(zip(paths, levels, strict=True)):
        copy = tmp_path / f"{number}.wav"
        copy.write_bytes(matched_wav(path, level, target))
        assert measure_loudness(copy).lufs == pytest.approx(target, abs=0.05)
        assert np.abs(read(copy)[0]).max() <= 10 ** (-1 / 20) + 1e-6


def test_a_peaky_clip_lowers_the_loudness_of_all():
    from listening.clips import Level

    assert common_loudness([Level(-20, -6), Level(-40, -2)]) == pytest.approx(-39)
    assert common_loudness([Level(-20, -6)]) == -23


def test_x_is_one_of_the_two_about_half_the_time_and_more_trials_begin_alike(folders):
    pairs, unpaired = paired(*folders)
    assert unpaired == []
    trials = abx_trials(pairs, 300, seed=4)
    assert all(trial.clips["x"] == trial.clips[trial.truth] for trial in trials)
    assert 110 < sum(trial.truth == "a" for trial in trials) < 190
    assert [sorted(t.name for t in trials[i : i + 3]) for i in (0, 3, 6)] == [["0", "1", "2"]] * 3
    assert abx_trials(pairs, 20, seed=4) == trials[:20]
    assert [t.truth for t in abx_trials(pairs, 300, seed=5)] != [t.truth for t in trials]


@pytest.mark.parametrize(("correct", "total"), [(0, 4), (7, 10), (12, 16), (16, 16)])
def test_p_is_the_chance_of_so_many_by_guessing(correct, total):
    answers = [answer(given="a" if i < correct else "b") for i in range(total)]
    score = abx_score(answers)
    assert (score.correct, score.trials) == (correct, total)
    assert score.p == pytest.approx(sum(comb(total, k) for k in range(correct, total + 1)) / 2**total)
    assert score.low <= correct / total <= score.high


def test_the_opinion_of_a_folder_is_the_mean_of_its_ratings():
    ratings = [
        answer(mode="rate", truth=folder, given=str(n)) for folder, n in (("a", 4), ("a", 5), ("a", 3), ("b", 1))
    ]
    real = opinion(ratings, "a")
    assert (real.mean, real.ratings) == (4, 3)
    assert real.high - 4 == pytest.approx(4.302652730 / 3**0.5)  # t, 2 degrees of freedom
    assert np.isnan(opinion(ratings, "b").high)


def test_a_line_that_a_crash_left_unfinished_costs_no_other_answer(tmp_path):
    path = tmp_path / "deep" / "answers.csv"
    append(path, answer())
    with path.open("a") as file:
        file.write("ann,abx,1,2,x,A")
    append(path, answer(given="b"))
    found, damaged = read_answers(path)
    assert [a.answer for a in found] == ["a", "b"]
    assert damaged == 1
    assert "ann,abx,1,2,x,A\n" in path.read_text()


def test_a_foreign_file_is_not_written_to(tmp_path):
    path = tmp_path / "shopping.csv"
    path.write_text("milk,eggs\n")
    with pytest.raises(InputError, match="not a file of listening results"):
        read_answers(path)


def test_a_test_goes_on_where_it_was_left(session):
    first = session()
    first.answer(1, "a", 3.2, 5)
    first.answer(2, "b", 1.0, 1)
    again = session()
    assert (again.seed, again.state()["trial"]) == (first.seed, 3)
    assert again.trials == first.trials
    assert session(listener="bob").state()["trial"] == 1
    for trial in (3, 4, 5):
        again.answer(trial, "a", 1.0, 1)
    assert again.state()["scores"]["abx"]["trials"] == 5
    assert session().state()["trial"] == 1


def test_scores_stay_hidden_until_the_last_answer(session):
    test = session(trials=2)
    test.answer(1, "a", 1, 1)
    assert test.state()["scores"] is None
    assert "truth" not in json.dumps(test.state())


@pytest.mark.parametrize("wrong", [(2, "a"), (1, "c"), (0, "a"), (1, "3")])
def test_answers_to_other_questions_and_impossible_ones_are_refused(session, wrong, tmp_path):
    with pytest.raises(InputError):
        session().answer(*wrong, 1.0, 1)
    assert not (tmp_path / "answers.csv").exists()


def test_changed_folders_are_noticed_instead_of_mixing_two_tests(session, folders):
    test = session(seed=3)
    test.answer(1, "a", 1, 1)
    (folders[0] / f"{test.given[0].name}.wav").unlink()
    with pytest.raises(InputError, match="the folders have changed"):
        session(seed=3)


def test_rating_asks_for_every_clip_once_and_hides_where_it_is_from(session):
    test = session(mode="rate")
    assert sorted(trial.truth for trial in test.trials) == ["a"] * 3 + ["b"] * 3
    for number, trial in enumerate(test.trials, 1):
        test.answer(number, "5" if trial.truth == "a" else "2", 1, 1)
    assert test.state()["scores"]["a"]["mean"] == 5
    assert test.state()["scores"]["b"]["mean"] == 2


@pytest.fixture
def served(session):
    server = ListenServer(session(), 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ask(server, path, body=None, **headers):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{server.url}{path}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as found:
            return found.status, found.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_the_server_hands_out_page_state_and_clips_and_keeps_answers(served, tmp_path):
    assert served.server_address[0] == "127.0.0.1"
    assert b"<!doctype html>" in ask(served, "")[1]
    status, sound = ask(served, "clip/1/x")
    assert (status, sound[:4]) == (200, b"RIFF")
    truth = served.session.trials[0].truth
    assert sound == ask(served, f"clip/1/{truth}")[1]
    status, state = ask(served, "answer", {"trial": 1, "answer": truth, "seconds": 2, "plays": 3})
    assert (status, json.loads(state)["trial"]) == (200, 2)
    with (tmp_path / "answers.csv").open(newline="") as file:
        (line,) = csv.DictReader(file)
    assert tuple(line) == HEADER
    assert (line["answer"], line["truth"], line["plays"]) == (truth, truth, "3")


@pytest.mark.parametrize("path", ["nothing", "clip/1/c", "clip/99/x", "clip/-1/x", "../pyproject.toml"])
def test_the_server_serves_nothing_else(served, path):
    assert ask(served, path)[0] == 404


@pytest.mark.parametrize("body", [[], {"trial": 1}, {"trial": "one", "answer": "a", "seconds": 1, "plays": 1}])
def test_a_broken_answer_is_refused_with_a_reason(served, body):
    status, text = ask(served, "answer", body)
    assert status == 409
    assert "not an answer" in json.loads(text)["error"]


def test_pages_of_other_sites_can_neither_read_nor_answer(served):
    assert ask(served, "state", Host="evil.example")[0] == 403
    body = {"trial": 1, "answer": "a", "seconds": 1, "plays": 1}
    assert ask(served, "answer", body, Origin="http://evil.example")[0] == 403


def test_an_answer_that_cannot_be_written_keeps_the_question_open(served, tmp_path):
    (tmp_path / "answers.csv").mkdir()
    status, text = ask(served, "answer", {"trial": 1, "answer": "a", "seconds": 1, "plays": 1})
    assert status == 507
    assert "could not be written" in json.loads(text)["error"]
    assert served.session.state()["trial"] == 1


def test_a_taken_port_is_named(served, session):
    with pytest.raises(MissingError, match=f"port {served.port}"):
        ListenServer(session(), served.port)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda real, made: clip(real / "0.wav", 0), "silent"),
        (lambda real, made: clip(real / "0.wav", 0.1, seconds=0.2), "too short"),
        (lambda real, made: (real / "0.wav").write_bytes(b"RIFF"), "cannot be read as sound"),
        (lambda real, made: clip(made / "0.wav", 0.1), "have one name"),
        (lambda real, made: [path.rename(path.with_stem(f"n{path.stem}")) for path in [*made.iterdir()]], "in common"),
        (lambda real, made: [path.rename(path.with_suffix(".mid")) for path in [*made.iterdir()]], "ghostnote render"),
        (lambda real, made: made.rename(made.with_name("gone")), "no folder"),
    ],
)
def test_folders_that_cannot_be_compared_end_in_one_line(folders, tmp_path, capsys, spoil, message):
    spoil(*folders)
    assert run(["listen", *map(str, folders), "--out", str(tmp_path / "o.csv"), "--no-browser"]) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert "Traceback" not in shown


def test_an_unknown_mode_is_named(folders, capsys):
    assert run(["listen", *map(str, folders), "--mode", "abc"]) == 2
    assert "no mode 'abc': choose abx or rate" in capsys.readouterr().err
