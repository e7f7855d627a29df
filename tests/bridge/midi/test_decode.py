"""Bytes to events: every rule of a map, and whatever else a cable may carry."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.midi.decode import MidiDecoder, MidiParser, encode, release
from ghostnote.events import (
    ChokeEvent,
    ClockEvent,
    NoteEvent,
    OpennessEvent,
    PanicEvent,
    ProgramEvent,
    TransportEvent,
)
from ghostnote.files.midi_map import load_map
from ghostnote.music.articulations import LANE_OF_NAME, N_LANES

TD17 = load_map("td17")
KICK = LANE_OF_NAME["kick"]


def decode(*data, midi_map=TD17, channel=None):
    return MidiDecoder(midi_map, channel).feed(1.0, bytes(data))


def test_a_note_on_is_a_hit_with_the_map_s_velocity_and_the_time_of_arrival():
    assert decode(0x99, 36, 127) == [NoteEvent(1.0, KICK, 1.0)]


@pytest.mark.parametrize("data", [(0x99, 36, 0), (0x89, 36, 64), (0xFE,), (0xD9, 5), (0xE9, 0, 64), (0xF6,), (0xF1, 3)])
def test_note_offs_active_sensing_and_foreign_messages_mean_nothing(data):
    assert decode(*data) == []


def test_an_unknown_note_is_counted_and_told_once_and_not_played(caplog):
    decoder = MidiDecoder(TD17)
    assert decoder.feed(0, bytes((0x99, 3, 100, 3, 90))) == []
    assert decoder.unknown == {3: 2}
    assert caplog.text.count("note 3 is not in the map td17") == 1


def test_only_the_chosen_channel_is_heard():
    assert decode(0x90, 36, 100, channel=10) == []
    assert len(decode(0x99, 36, 100, channel=10)) == 1
    assert len(decode(0x90, 36, 100)) == 1


def test_running_status_survives_realtime_bytes_and_ends_with_sysex():
    assert [type(e) for e in decode(0x99, 36, 0xF8, 100, 38, 0xFE, 90)] == [ClockEvent, NoteEvent, NoteEvent]
    assert decode(0x99, 36, 100, 0xF0, 1, 2, 3, 0xF7, 36, 100) == [decode(0x99, 36, 100)[0]]


def test_a_message_may_come_in_pieces():
    decoder = MidiDecoder(TD17)
    assert [len(decoder.feed(0, bytes((byte,)))) for byte in (0x99, 36, 100, 38, 100)] == [0, 0, 1, 0, 1]


def test_the_pedal_is_read_with_the_map_s_polarity():
    assert decode(0xB9, 4, 0) == [OpennessEvent(1.0, 1.0)]
    assert decode(0xB9, 4, 127) == [OpennessEvent(1.0, 0.0)]


def test_hits_tell_the_opening_only_until_a_pedal_has_been_seen():
    decoder = MidiDecoder(TD17)
    told = TD17.openness_of_lane[LANE_OF_NAME["hat_open_bow"]]
    assert decoder.feed(0, bytes((0x99, 46, 100)))[0] == OpennessEvent(0, told)
    decoder.feed(0, bytes((0xB9, 4, 90)))
    assert [type(e) for e in decoder.feed(0, bytes((0x99, 46, 100)))] == [NoteEvent]


def test_aftertouch_chokes_once_each_time_it_rises_to_the_threshold():
    decoder = MidiDecoder(TD17)
    counts = [len(decoder.feed(0, bytes((0xA9, 49, value)))) for value in (10, 64, 127, 100, 20, 127, 0)]
    assert counts == [0, 1, 0, 0, 0, 1, 0]
    assert decode(0xA9, 49, 127) == [ChokeEvent(1.0, LANE_OF_NAME["crash_1"])]


@pytest.mark.parametrize("controller", [120, 123])
def test_all_sound_off_and_all_notes_off_are_panic(controller):
    assert decode(0xB0, controller, 0) == [PanicEvent(1.0)]


def test_a_program_change_is_told():
    assert decode(0xC9, 7) == [ProgramEvent(1.0, 7)]


def test_the_transport_counts_the_clock_and_knows_song_positions():
    decoder = MidiDecoder(TD17)

    def beats(*data):
        return [(e.kind, e.beat) for e in decoder.feed(0, bytes(data)) if isinstance(e, TransportEvent)]

    assert beats(0xFA) == [("start", 0)]
    assert beats(*[0xF8] * 36, 0xFC) == [("stop", 1.5)]
    assert beats(*[0xF8] * 5, 0xFB) == [("continue", 1.5)]
    assert beats(0xFC, 0xF2, 8, 1) == [("stop", 1.5)]
    assert beats(0xFB) == [("continue", 34.0)]
    assert beats(0xF2, 4, 0) == [("continue", 1.0)], "a jump while it runs"


def test_a_hundred_thousand_random_strings_neither_crash_nor_fill_memory():
    rng = random.Random(1)
    decoder = MidiDecoder(TD17)
    n_events = 0
    for _ in range(100_000):
        for event in decoder.feed(0.0, rng.randbytes(rng.randrange(12))):
            n_events += 1
            assert not isinstance(event, NoteEvent) or (0 < event.velocity <= 1 and 0 <= event.lane < N_LANES)
            assert not isinstance(event, OpennessEvent) or 0 <= event.value <= 1
    assert n_events > 10_000
    assert len(decoder._parser._data) <= 2
    assert len(decoder._pressed) <= 128
    assert len(decoder.unknown) <= 128


@given(st.binary(max_size=60), st.integers(0, 60))
def test_cutting_the_stream_anywhere_changes_nothing(data, cut):
    whole, parts = MidiParser(), MidiParser()
    assert list(whole.feed(data)) == [*parts.feed(data[:cut]), *parts.feed(data[cut:])]


@given(st.binary(max_size=60))
def test_realtime_bytes_between_any_others_change_nothing(data):
    plain = bytes(byte for byte in data if byte < 0xF8)
    ticked = b"".join(bytes((0xF8, byte)) for byte in plain)
    assert [m for m in MidiParser().feed(ticked) if m != (0xF8,)] == list(MidiParser().feed(plain))


@pytest.mark.parametrize("lane", range(N_LANES))
def test_what_is_written_reads_back(lane):
    for event in (NoteEvent(1.0, lane, float(TD17.velocity[77])), ChokeEvent(1.0, lane)):
        assert event in MidiDecoder(TD17).feed(1.0, encode(event, TD17))


def test_every_written_note_has_its_release():
    note = encode(NoteEvent(0, KICK, 1.0), TD17)
    assert release(note) == bytes((0x89, 36, 64))
    assert release(encode(PanicEvent(0), TD17)) == b""
    assert encode(ClockEvent(0), TD17) == b""
