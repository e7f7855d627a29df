"""Watching and recording a whole server, by python-osc as its users do."""

import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pythonosc.osc_message import OscMessage
from pythonosc.udp_client import SimpleUDPClient

from ghostnote.files.midi import read_midi
from ghostnote.files.midi_map import load_map
from tests.support.serving import figures, value
from tests.support.waiting import wait_for


class Watcher(SimpleUDPClient):
    """Keeps what it is told."""

    def __init__(self, address):
        super().__init__(*address)
        self.told = []

    def hear(self, address):
        """The values of all messages with this address so far."""
        message = self.receive(0.02)
        while message:
            self.told.append(OscMessage(message))
            message = self.receive(0.001)
        return [tuple(m.params) for m in self.told if m.address == f"/ghostnote/{address}"]

    def ask(self, address, values):
        self.send_message(f"/ghostnote/{address}", values)


@contextmanager
def watcher_of(server):
    with Watcher(server._osc.address) as watcher:
        yield watcher


def test_watchers_are_sent_hits_levels_and_spectrum_until_they_end_it(serving):
    with serving() as (server, _), watcher_of(server) as watcher:
        watcher.ask("watch", 1)
        wait_for(lambda: server._watch._watched)
        watcher.ask("hit", ["snare", 0.75])
        wait_for(lambda: watcher.hear("played") == [("snare", 0.75)])
        wait_for(lambda: any(max(levels) > -60 for levels in watcher.hear("meter")))
        wait_for(lambda: any(max(bands) > -60 for bands in watcher.hear("spectrum")))
        assert {len(levels) for levels in watcher.hear("meter")} == {2}
        assert {len(bands) for bands in watcher.hear("spectrum")} == {48}
        watcher.ask("watch", 0)
        wait_for(lambda: not server._watch._watched)
        watcher.hear("played")
        watcher.told.clear()
        watcher.ask("hit", ["kick", 1.0])
        wait_for(lambda: len(server._ports.sent) >= 4)
        assert watcher.hear("played") == []


def test_hits_by_midi_and_of_the_groove_are_shown_too(serving):
    with serving(play="pocket_funk") as (server, _), watcher_of(server) as watcher:
        watcher.ask("watch", [1])
        wait_for(lambda: server._watch._watched)
        server._ports._receive(time.perf_counter(), bytes((0x99, 49, 127)))
        wait_for(lambda: ("crash_1", 1.0) in watcher.hear("played"))
        wait_for(lambda: "kick" in {name for name, _ in watcher.hear("played")})


def test_the_status_tells_what_the_beat_follows(serving):
    with serving() as (_, client):
        assert figures(client)["sync"] == "own tempo"
        client.change("/ghostnote/transport", ["start"])
        wait_for(lambda: figures(client)["sync"] == "OSC transport")


def test_a_recording_is_the_sound_with_its_hits_where_they_sound(serving, tmp_path):
    with serving() as (server, client), watcher_of(server) as watcher:
        watcher.ask("record", "song")
        wait_for(lambda: watcher.hear("record"))
        names = str(tmp_path / "recordings" / "song.wav"), str(tmp_path / "recordings" / "song.mid")
        assert watcher.hear("record") == [(1, *names)]
        for _ in range(2):
            client.change("/ghostnote/hit", ["snare", 1.0])
        time.sleep(0.2)
        watcher.ask("record", 0)
        wait_for(lambda: value(client, "/ghostnote/record") == (0, *names))
        assert figures(client)["record_lost_frames"] == 0
    audio, rate = soundfile.read(names[0], dtype="float32", always_2d=True)
    performance, report = read_midi(Path(names[1]), load_map("gm"))
    assert report.problems == ()
    assert performance.hits["lane"].tolist() == [1, 1]
    loud = np.flatnonzero(np.abs(audio).max(axis=1) > 0.01)
    assert loud[0] / rate == pytest.approx(performance.hits["time"][0], abs=0.01)


def test_a_recording_that_cannot_be_made_is_answered_with_the_reason_and_the_sound_goes_on(serving, tmp_path):
    with serving(record_folder=str(tmp_path / "away")) as (server, client), watcher_of(server) as watcher:
        watcher.ask("record", 1)
        wait_for(lambda: watcher.hear("error"))
        ((address, why),) = watcher.hear("error")
        assert address == "/ghostnote/record"
        assert "away: there is no such folder" in why
        hops = server.playback.stats.hops
        wait_for(lambda: server.playback.stats.hops > hops)
        assert value(client, "/ghostnote/record") == (0, "", "")
