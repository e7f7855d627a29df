"""The listening page in headless Chromium, played and answered by keyboard as a listener would."""

import shutil
import threading

import numpy as np
import pytest
import soundfile

pytest.importorskip("pyloudnorm", reason="needs the extra evaluate")
pytest.importorskip("selenium", reason="needs the extra dev")

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from listening.results import read_answers
from listening.server import ListenServer
from listening.session import ListeningRequest, ListeningSession


@pytest.fixture(scope="module")
def browser():
    chromium, driver = shutil.which("chromium") or shutil.which("chromium-browser"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("needs Chromium and its driver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=900,760", "--mute-audio"):
        options.add_argument(flag)
    with webdriver.Chrome(options, webdriver.ChromeService(driver)) as found:
        yield found


@pytest.fixture
def serve(tmp_path):
    servers = []

    def start(**changes):
        for folder, seed in (("a", 1), ("b", 2)):
            (tmp_path / folder).mkdir(exist_ok=True)
            noise = 0.1 * np.random.default_rng(seed).standard_normal((24000, 2))
            soundfile.write(tmp_path / folder / "groove.wav", noise, 24000)
        request = ListeningRequest(tmp_path / "a", tmp_path / "b", tmp_path / "answers.csv", listener="ann", **changes)
        server = ListenServer(ListeningSession(request), 0)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        servers.append((server, thread))
        return server

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def press(browser, *keys):
    for key in keys:
        browser.find_element(By.TAG_NAME, "body").send_keys(key)


def wait(browser, condition):
    WebDriverWait(browser, 30, 0.05).until(lambda _: condition())


def shown(browser, element):
    return browser.find_element(By.ID, element).text


def begin(browser, server):
    browser.get(server.url)
    wait(browser, lambda: browser.find_element(By.ID, "start").is_displayed() and shown(browser, "welcome"))
    press(browser, Keys.ENTER)


def ready(browser, count):
    loaded = "return $('count').textContent.startsWith(arguments[0]) && Object.keys(buffers).length > 0"
    wait(browser, lambda: browser.execute_script(loaded, count))


def test_an_abx_test_is_heard_answered_kept_and_resumed(browser, serve, tmp_path):
    server = serve(trials=2)
    begin(browser, server)
    ready(browser, "1 of 2")
    press(browser, "1", Keys.ENTER)
    assert shown(browser, "count") == "1 of 2", "nothing was played, so nothing can be answered"
    press(browser, "a")
    assert shown(browser, "status") == "playing A"
    loud = "return Math.max(...Object.values(voices).map(v => v.gain.gain.value))"
    wait(browser, lambda: browser.execute_script(loud) > 0.9)
    assert len(browser.execute_script("return Object.keys(voices)")) == 3
    press(browser, "x", " ")
    assert shown(browser, "status") == "stopped"
    press(browser, server.session.trials[0].truth.replace("a", "1").replace("b", "2"), Keys.ENTER)
    ready(browser, "2 of 2")

    begin(browser, server)
    ready(browser, "2 of 2")
    press(browser, "x", server.session.trials[1].truth.replace("a", "1").replace("b", "2"), Keys.ENTER)
    wait(browser, lambda: shown(browser, "score") == "2 of 2 right")
    assert "0.250" in shown(browser, "details")
    answers, damaged = read_answers(tmp_path / "answers.csv")
    assert [a.answer == a.truth for a in answers] == [True, True]
    assert damaged == 0
    assert answers[0].plays == 2


def test_ratings_are_given_by_key_and_by_mouse(browser, serve, tmp_path):
    begin(browser, serve(mode="rate"))
    ready(browser, "1 of 2")
    press(browser, "p", "4", Keys.ENTER)
    ready(browser, "2 of 2")
    browser.find_element(By.CSS_SELECTOR, ".clip").click()
    browser.find_element(By.CSS_SELECTOR, "[data-answer='2']").click()
    browser.find_element(By.ID, "confirm").click()
    wait(browser, lambda: "A " in shown(browser, "score"))
    assert [a.answer for a in read_answers(tmp_path / "answers.csv")[0]] == ["4", "2"]


def test_an_answer_that_cannot_be_written_is_asked_for_again(browser, serve, tmp_path):
    server = serve(trials=1)
    begin(browser, server)
    ready(browser, "1 of 1")
    (tmp_path / "answers.csv").mkdir()
    press(browser, "a", "1", Keys.ENTER)
    wait(browser, lambda: "could not be written" in shown(browser, "error"))
    (tmp_path / "answers.csv").rmdir()
    press(browser, Keys.ENTER)
    wait(browser, lambda: shown(browser, "score").endswith("of 1 right"))
    assert len(read_answers(tmp_path / "answers.csv")[0]) == 1
