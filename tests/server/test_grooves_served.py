"""Grooves by OSC, from words to sound and MIDI: the whole server, the drummers that ship, a python-osc client."""

import threading
import time

import numpy as np
import pytest
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_server import ThreadingOSCUDPServer
from pythonosc.udp_client import SimpleUDPClient

from ghostnote.errors import GhostnoteError
from ghostnote.events import NoteEvent
from ghostnote.osc.client import OscClient
from server import serve
from server.grooves.drummer_models import DrummerModels
from tests.support.serving import figures, value
from tests.support.waiting import wait_for


@pytest.fixture
def subscriber():
    """Addresses and values as a python-osc server gets them, and its port."""
    got = []
    dispatcher = Dispatcher()
    dispatcher.set_default_handler(lambda address, *values: got.append((address, values)))
    server = ThreadingOSCUDPServer(("127.0.0.1", 0), dispatcher)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield got, server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def note_ons(server):
    return [message for message in server._ports.sent if message[0] == 0x99 and message[2]]


def test_words_become_sound_and_midi_and_a_file_and_stop(serving, subscriber, tmp_path):
    got, port = subscriber
    with serving(groove_folder=str(tmp_path / "grooves")) as (server, _):
        client = SimpleUDPClient(*server._osc.address)
        client.send_message("/ghostnote/subscribe", port)
        client.send_message("/ghostnote/groove/prompt", "punk 200 bpm, 1 bar")
        wait_for(lambda: len(note_ons(server)) >= 12)
        wait_for(lambda: server.playback.stats.hits >= 12)
        wait_for(lambda: np.abs(server.playback.output.played()).max() > 0.01)
        assert server.playback.engine.transport.bpm == 200.0
        states = [values for address, values in got if address == "/ghostnote/groove/state"]
        assert states[0] == ("stopped", "", 0)
        assert ("playing", "punk 200 bpm, 1 bar", 1) in states
        assert list((tmp_path / "grooves").glob("punk-200bpm-*.mid"))
        client.send_message("/ghostnote/groove/stop", [])
        wait_for(lambda: ("/ghostnote/groove/state", ("stopped", "punk 200 bpm, 1 bar", 0)) in got)
        assert server.playback.stats.late_hits == 0


def test_it_plays_on_after_two_bars_that_were_played_in(serving, subscriber):
    got, port = subscriber
    with serving() as (server, _):
        client = SimpleUDPClient(*server._osc.address)
        client.send_message("/ghostnote/subscribe", port)
        client.send_message("/ghostnote/tempo", 300.0)
        client.send_message("/ghostnote/groove/continue", [])
        wait_for(lambda: ("/ghostnote/groove/state", ("listening", "", 0)) in got)
        pause = threading.Event()
        for beat in range(8):
            client.send_message("/ghostnote/hit", ["kick" if beat % 2 == 0 else "snare", 0.8])
            pause.wait(60 / 300)
        played = len(note_ons(server))
        wait_for(lambda: len(note_ons(server)) >= played + 6)
        assert value_of(server)[0] == "playing"
        client.send_message("/ghostnote/transport", "stop")
        wait_for(lambda: value_of(server)[0] == "stopped")


def value_of(server):
    with OscClient(*server._osc.address) as client:
        return value(client, "/ghostnote/groove/state")


def test_wrong_words_are_answered_with_the_line_of_the_parser(serving):
    with serving() as (_, client), pytest.raises(GhostnoteError, match=r"'xylophone' is not understood; nearest"):
        client.change("/ghostnote/groove/prompt", ["funk with xylophone"])


def test_without_models_the_server_plays_and_says_what_is_missing(serving, monkeypatch, tmp_path):
    monkeypatch.setattr(serve, "DrummerModels", lambda: DrummerModels(tmp_path))
    with serving() as (_, client):
        with pytest.raises(GhostnoteError, match="no groovegen model"):
            client.change("/ghostnote/groove/prompt", ["funk"])
        with pytest.raises(GhostnoteError, match="no continuation model"):
            client.change("/ghostnote/groove/continue", [1.0])
        client.change("/ghostnote/hit", ["snare", 1.0])
        wait_for(lambda: figures(client)["hits"] == 1)
        assert figures(client)["groove_late_bars"] == 0


def test_wrong_words_that_waited_for_their_time_do_no_harm(serving):
    with serving() as (server, client):
        later = OscBundleBuilder(time.time() + 0.2)
        message = OscMessageBuilder("/ghostnote/groove/prompt")
        message.add_arg("xylophone")
        later.add_content(message.build())
        SimpleUDPClient(*server._osc.address).send(later.build())
        wait_for(lambda: bool(server._osc._waiting))
        wait_for(lambda: not server._osc._waiting)
        assert value(client, "/ghostnote/groove/state") == ("stopped", "", 0)


def test_hits_that_are_played_in_get_a_drummers_feel_only_when_asked_and_its_latency_is_told(serving):
    with serving(live_feel_ms=40.0) as (server, client):
        client.change("/ghostnote/hit", ["snare", 0.5])
        assert figures(client)["feel_latency_ms"] == 0.0
        client.change("/ghostnote/feel/timing", [1.0])
        client.change("/ghostnote/feel/velocity", [1.0])
        assert figures(client)["feel_latency_ms"] == 20.0
        plain = NoteEvent(time.perf_counter(), 1, 0.5)
        felt = server._live_feel.play(plain)
        assert 0.0 <= felt.at - plain.at <= 0.04 + 1e-6
        assert felt.performed
        assert felt.velocity != plain.velocity
        wait_for(lambda: figures(client)["hits"] == 1)


def test_live_feel_without_its_model_is_refused_at_the_start(serving, monkeypatch, tmp_path):
    monkeypatch.setattr(serve, "DrummerModels", lambda: DrummerModels(tmp_path))
    with pytest.raises(GhostnoteError, match="no humanizer model"), serving(live_feel_ms=40.0):
        pass
