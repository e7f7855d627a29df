"""Ports through the JACK client library: notes both ways, the place of an event inside its block, a server restart."""

import statistics
import threading
import time

import pytest
import rtmidi

from bridge.midi.decode import MidiDecoder
from bridge.midi.echo import MidiEcho
from bridge.midi.jack_ports import JackPorts, jack_ports
from bridge.midi.ports import IN_NAME, OUT_NAME
from ghostnote.errors import MissingError
from ghostnote.events import NoteEvent, PanicEvent
from ghostnote.files.midi_map import load_map
from tests.support.jack import JackServer
from tests.support.midi import Player, Recorder
from tests.support.waiting import repeat_until, wait_for

jack = pytest.importorskip(
    "jack", reason="needs JACK-Client (pip install JACK-Client)", exc_type=(ImportError, OSError)
)


@pytest.fixture
def events():
    return []


@pytest.fixture
def ports(events, jack_name):
    decoder = MidiDecoder(load_map("gm"))
    return JackPorts(lambda at, data: events.extend(decoder.feed(at, data)), lambda: events.append(PanicEvent(0)))


def test_without_a_server_the_error_says_what_to_do(ports):
    with pytest.raises(MissingError, match="no JACK server answers"):
        ports.start()


def test_notes_come_in_and_go_out(ports, events, jack_name):
    with JackServer(jack_name):
        ports.start()
        echo = MidiEcho(ports.send, load_map("td17"))
        echo.start()
        try:
            assert ports.names == (IN_NAME, OUT_NAME)
            recorder = Recorder()
            player = Player()
            repeat_until(lambda: player.send(0x90, 36, 127), lambda: events)
            repeat_until(lambda: echo.play(events[0]), lambda: len(recorder.heard) >= 2)
        finally:
            echo.stop()
            ports.stop()
    assert events[0].lane == 0
    assert {bytes((0x99, 36, 127)), bytes((0x89, 36, 64))} <= set(recorder.heard)


def test_ports_that_come_and_go_meanwhile_do_not_stop_a_listing(jack_name):
    with JackServer(jack_name):
        listener, other = jack.Client("listener", no_start_server=True), jack.Client("other", no_start_server=True)
        mine, done, rounds = listener.midi_inports.register("stays"), threading.Event(), []

        def come_and_go():
            while not done.is_set():
                other.midi_outports.register("comes and goes").unregister()
                rounds.append(1)

        coming = threading.Thread(target=come_and_go)
        coming.start()
        try:
            end = time.monotonic() + 1
            while time.monotonic() < end:
                jack_ports(listener, is_midi=True)
        finally:
            done.set()
            coming.join()
        assert rounds
        assert [port.name for port in jack_ports(listener, "listener:", is_midi=True)] == [mine.name]
        other.close()
        listener.close()


def test_events_of_one_block_keep_their_distance(ports, events, jack_name):
    apart = 100
    with JackServer(jack_name):
        ports.start()
        player = jack.Client("player", no_start_server=True)
        out = player.midi_outports.register("out")

        def play(frames):
            out.clear_buffer()
            if len(events) < 100 and out.number_of_connections:
                out.write_midi_event(10, (0x90, 36, 100))
                out.write_midi_event(10 + apart, (0x90, 38, 100))

        player.set_process_callback(play)
        try:
            with player:
                player.connect(out, f"Ghostnote:{IN_NAME}")
                wait_for(lambda: len(events) >= 100)
        finally:
            ports.stop()
    at = {lane: [e.at for e in events if isinstance(e, NoteEvent) and e.lane == lane] for lane in (0, 1)}
    distances = [second - first for first, second in zip(at[0], at[1], strict=False)]
    assert statistics.median(distances) == pytest.approx(apart / 48000, rel=0.2)


def test_the_ports_come_back_with_a_new_server(ports, events, jack_name):
    with JackServer(jack_name) as server:
        ports.start()
        server.kill()
    wait_for(lambda: events == [PanicEvent(0)])
    try:
        with JackServer(jack_name):
            wait_for(lambda: ports.names[0] == IN_NAME)
            wait_for(lambda: any(IN_NAME in name for name in rtmidi.MidiOut(rtmidi.API_UNIX_JACK).get_ports()))
            player = Player()
            repeat_until(lambda: player.send(0x90, 38, 100), lambda: len(events) > 1)
            ports.stop()
    finally:
        ports._stop.set()
    assert events[1].lane == 1
