"""Ports over a real JACK server; naming rules without one."""

import time

import pytest
import rtmidi

from bridge.midi.decode import MidiDecoder
from bridge.midi.echo import MidiEcho
from bridge.midi.ports import IN_NAME
from bridge.midi.rtmidi_ports import MidiPorts, list_ports, match_port
from ghostnote.errors import InputError, MissingError
from ghostnote.events import ClockEvent, NoteEvent, PanicEvent
from ghostnote.files.midi_map import load_map
from tests.support.jack import JackServer
from tests.support.midi import Player, Recorder
from tests.support.waiting import repeat_until, wait_for

NAMES = ["Midi Through:Midi Through Port-0 14:0", "TD-17:TD-17 MIDI 1 20:0", "nanoPAD2:nanoPAD2 MIDI 1 24:0"]


def test_a_part_of_a_name_finds_the_port():
    assert match_port("td-17", NAMES) == 1


def test_a_port_is_found_again_under_another_alsa_number():
    assert match_port("nanoPAD2:nanoPAD2 MIDI 1 31:0", NAMES) == 2


def test_a_missing_port_names_those_there_are():
    with pytest.raises(MissingError, match=r"TD-50.*nanoPAD2"):
        match_port("TD-50", NAMES)


def test_an_ambiguous_name_lists_the_candidates():
    with pytest.raises(InputError, match=r"TD-17.*nanoPAD2"):
        match_port("MIDI 1", NAMES)


def test_an_unknown_midi_system_is_refused():
    with pytest.raises(InputError, match="no MIDI system 'oss'"):
        list_ports("oss")


def test_without_a_midi_system_the_error_says_what_to_do(jack_name):
    with pytest.raises(MissingError, match="no MIDI system answers"):
        list_ports("jack")


def test_notes_arrive_as_events_with_their_time_through_the_virtual_port(jack_name):
    events = []
    decoder = MidiDecoder(load_map("gm"))
    with JackServer(jack_name):
        ports = MidiPorts(lambda at, data: events.extend(decoder.feed(at, data)), lambda: None, api="jack")
        ports.start()
        try:
            player = Player()
            before = time.perf_counter()
            messages = ([0x90, 36, 127], [0xF0, 1, 2, 0xF7], [0xFE], [0xF8], [0x90, 38, 64], [0x90, 38, 0])

            def send_all():
                events.clear()
                for data in messages:
                    player.send(*data)

            repeat_until(send_all, lambda: [type(event) for event in events] == [NoteEvent, ClockEvent, NoteEvent])
            after = time.perf_counter()
        finally:
            ports.stop()
    kick, clock, snare = events
    assert (kick.lane, kick.velocity, snare.lane) == (0, 1, 1)
    assert before - 0.02 <= kick.at <= clock.at <= snare.at <= after


def test_what_is_played_comes_out_of_the_output_port_and_every_note_ends(jack_name):
    with JackServer(jack_name):
        ports = MidiPorts(lambda at, data: None, lambda: None, api="jack")
        ports.start()
        echo = MidiEcho(ports.send, load_map("td17"))
        echo.start()
        try:
            recorder = Recorder()
            repeat_until(lambda: echo.play(NoteEvent(0.0, 0, 1.0)), lambda: len(recorder.heard) >= 4)
        finally:
            echo.stop()
            ports.stop()
    first = recorder.heard.index(bytes((0x99, 36, 127)))  # the connection may have come between a note and its end
    assert recorder.heard[first + 1][:2] == bytes((0x89, 36))


def test_the_port_comes_back_after_the_jack_server_was_killed_and_what_sounds_is_silenced(jack_name):
    events = []
    decoder = MidiDecoder(load_map("gm"))
    ports = MidiPorts(
        lambda at, data: events.extend(decoder.feed(at, data)), lambda: events.append(PanicEvent(0)), api="jack"
    )
    with JackServer(jack_name) as server:
        ports.start()
        server.kill()
    wait_for(lambda: events == [PanicEvent(0)])
    assert ports.names == ("", "")
    try:
        with JackServer(jack_name):
            wait_for(lambda: ports.names[0] == IN_NAME)
            player = Player()
            repeat_until(lambda: player.send(0x90, 36, 100), lambda: len(events) > 1)
            ports.stop()
    finally:
        ports._stop.set()
    assert events[1].lane == 0


def test_a_port_asked_for_by_name_is_opened_again_when_it_is_plugged_in_again(jack_name):
    events = []
    decoder = MidiDecoder(load_map("gm"))
    with JackServer(jack_name):
        pad = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "pads")
        pad.open_virtual_port("drum pads")
        ports = MidiPorts(
            lambda at, data: events.extend(decoder.feed(at, data)),
            lambda: events.append(PanicEvent(0)),
            source="drum pads",
            api="jack",
        )
        ports.start()
        try:
            pad.delete()
            wait_for(lambda: events == [PanicEvent(0)])
            pad = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "pads")
            pad.open_virtual_port("drum pads")
            wait_for(lambda: "drum pads" in ports.names[0])
            repeat_until(lambda: pad.send_message([0x90, 38, 90]), lambda: len(events) > 1)
        finally:
            ports.stop()
    assert events[1].lane == 1
