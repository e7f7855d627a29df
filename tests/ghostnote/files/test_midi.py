"""MIDI files: exact round trips, tempo map, choice of channel; damaged files are read as far as they go."""

import io
import struct

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostnote.errors import InputError, MissingError
from ghostnote.files.midi import PPQ, parse_midi, read_midi, write_midi
from ghostnote.files.midi_map import load_map, parse_map
from ghostnote.music.articulations import ARTICULATIONS, LANE_OF_NAME
from ghostnote.music.performance import CHOKE, OPENNESS, Performance, make_hits

TD17 = load_map("td17")
KICK, SNARE, HAT = LANE_OF_NAME["kick"], LANE_OF_NAME["snare"], LANE_OF_NAME["hat_open_bow"]


def midi_bytes(*tracks, ppq=480, kind=1):
    """A file of mido messages whose times are ticks since the message before."""
    stream = io.BytesIO()
    mido.MidiFile(type=kind, ticks_per_beat=ppq, tracks=[mido.MidiTrack(track) for track in tracks]).save(file=stream)
    return stream.getvalue()


def note(number, velocity=100, time=0, channel=9):
    return mido.Message("note_on", note=number, velocity=velocity, time=time, channel=channel)


def raw_file(track, division=480, kind=0):
    header = b"MThd" + struct.pack(">IHHH", 6, kind, 1, division)
    return header + b"MTrk" + struct.pack(">I", len(track)) + track


TIMES = st.floats(0, 100, allow_nan=False)
PERFORMANCES = st.builds(
    Performance,
    hits=st.lists(
        st.tuples(TIMES, st.integers(0, len(ARTICULATIONS) - 1), st.integers(1, 127).map(lambda v: v / 127)),
        max_size=40,
    ).map(make_hits),
    openness=st.lists(st.tuples(TIMES, st.integers(0, 90).map(lambda v: 1 - v / 90)), min_size=1, max_size=20).map(
        lambda rows: np.array([(0.0, 0.0), *sorted(rows)], OPENNESS)
    ),
    chokes=st.lists(st.tuples(TIMES, st.integers(15, 18)), max_size=5).map(lambda rows: np.array(sorted(rows), CHOKE)),
    bpm=st.floats(20, 400),
    meter=st.sampled_from([(4, 4), (3, 4), (6, 8), (5, 8)]),
    duration=st.just(101.0),
)


@settings(max_examples=60, deadline=None)
@given(performance=PERFORMANCES)
def test_what_is_written_is_read_back_within_a_tick_and_with_the_same_velocities(performance, tmp_path_factory):
    path = tmp_path_factory.mktemp("midi") / "take.mid"
    write_midi(performance, path, TD17)
    back, report = read_midi(path, TD17)
    tick = 60 / performance.bpm / PPQ
    assert not report.problems and not report.unknown and report.hits == len(performance.hits)
    assert back.hits["lane"].tolist() == performance.hits["lane"].tolist()
    np.testing.assert_array_equal(back.hits["velocity"], performance.hits["velocity"])
    np.testing.assert_allclose(back.hits["time"], performance.hits["time"], atol=tick, rtol=0)
    np.testing.assert_allclose(back.openness["time"], performance.openness["time"], atol=tick, rtol=0)
    np.testing.assert_allclose(back.openness["value"], performance.openness["value"], atol=1e-6)
    assert back.chokes["lane"].tolist() == performance.chokes["lane"].tolist()
    np.testing.assert_allclose(back.chokes["time"], performance.chokes["time"], atol=tick, rtol=0)
    assert back.meter == performance.meter
    assert 60e6 / back.bpm == pytest.approx(60e6 / performance.bpm, abs=2)
    assert back.duration == pytest.approx(101, abs=tick)


def test_written_notes_end_before_the_same_note_begins_again(tmp_path):
    path = tmp_path / "roll.mid"
    write_midi(Performance(make_hits([(0.0, SNARE, 0.5), (0.05, SNARE, 0.5), (1.0, KICK, 1.0)])), path, TD17)
    sounding = set()
    for message in mido.MidiFile(path):
        if message.type == "note_on":
            assert message.note not in sounding
            sounding.add(message.note)
        elif message.type == "note_off":
            sounding.remove(message.note)
    assert not sounding


def test_bpm_is_read_as_the_round_number_that_was_meant(tmp_path):
    for bpm in (95.0, 138.0, 290.0, 72.5):
        write_midi(Performance(make_hits([]), bpm=bpm), tmp_path / "t.mid", TD17)
        assert read_midi(tmp_path / "t.mid", TD17)[0].bpm == bpm


def test_a_hit_before_the_start_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"0\.250 s before"):
        write_midi(Performance(make_hits([(-0.25, KICK, 1.0)])), tmp_path / "t.mid", TD17)


def test_an_articulation_that_the_map_cannot_write_is_named(tmp_path):
    only_kick = parse_map({"notes": {"36": "kick"}}, "pads", "pads.toml")
    with pytest.raises(InputError, match=r"pads.*snare"):
        write_midi(Performance(make_hits([(0.0, SNARE, 1.0)])), tmp_path / "t.mid", only_kick)


@pytest.mark.parametrize("values", [{"bpm": 1.0}, {"meter": (4, 5)}])
def test_tempo_and_meter_that_midi_cannot_say_are_refused(tmp_path, values):
    with pytest.raises(InputError, match="cannot write"):
        write_midi(Performance(make_hits([]), **values), tmp_path / "t.mid", TD17)


def test_tempo_changes_of_another_track_are_respected():
    tempo = [
        mido.MetaMessage("set_tempo", tempo=500_000),
        mido.MetaMessage("set_tempo", tempo=1_000_000, time=960),
        mido.MetaMessage("time_signature", numerator=3, denominator=8),
    ]
    performance, _ = parse_midi(midi_bytes(tempo, [note(36, time=480), note(38, time=960)]), TD17)
    np.testing.assert_allclose(performance.hits["time"], [0.5, 2.0])
    assert (performance.bpm, performance.meter) == (120, (3, 8))


def test_smpte_time_is_real_time():
    track = bytes([100, 0x99, 36, 100, 0, 0xFF, 0x2F, 0])
    performance, report = parse_midi(raw_file(track, division=(256 - 25) << 8 | 40), TD17)
    assert performance.hits["time"].tolist() == [0.1] and not report.problems


def test_note_on_with_velocity_0_is_not_a_hit():
    assert parse_midi(midi_bytes([note(36), note(36, velocity=0, time=9)]), TD17)[1].hits == 1


def test_equal_hits_are_all_kept():
    assert len(parse_midi(midi_bytes([note(36), note(36), note(36)]), TD17)[0].hits) == 3


def test_unknown_notes_are_counted_by_number():
    performance, report = parse_midi(midi_bytes([note(36), note(99), note(99), note(1)]), TD17)
    assert report.unknown == {99: 2, 1: 1} and len(performance.hits) == 1


def test_channel_10_is_read_and_the_others_are_counted():
    performance, report = parse_midi(midi_bytes([note(36, channel=0), note(40, channel=0), note(38)]), TD17)
    assert performance.hits["lane"].tolist() == [SNARE]
    assert report.channel == 10 and report.other_channels == {1: 2}


def test_a_single_other_channel_is_taken_for_drums():
    performance, report = parse_midi(midi_bytes([note(36, channel=0)]), TD17)
    assert performance.hits["lane"].tolist() == [KICK] and report.channel == 1 and not report.problems


def test_several_channels_without_the_drum_channel_are_a_problem():
    performance, report = parse_midi(midi_bytes([note(36, channel=0), note(36, channel=1)]), TD17)
    assert not len(performance.hits) and "channels 1, 2" in report.problems[0]


def test_a_file_without_notes_is_empty_without_a_problem():
    performance, report = parse_midi(midi_bytes([]), TD17)
    assert (len(performance.hits), report.channel, report.problems) == (0, 10, ())


def test_hits_tell_the_opening_until_the_pedal_speaks():
    pedal = mido.Message("control_change", channel=9, control=4, value=90, time=480)
    performance, _ = parse_midi(midi_bytes([note(42), note(46, time=480), pedal, note(46, time=480)]), TD17)
    expected = [(0.0, 0.0), (0.5, TD17.openness_of_lane[HAT]), (1.0, 0.0)]
    np.testing.assert_allclose([*map(list, performance.openness.tolist())], expected, atol=1e-6)


def test_aftertouch_chokes_when_pressed_not_when_released():
    touches = [mido.Message("polytouch", channel=9, note=49, value=value, time=480) for value in (127, 0)]
    performance, _ = parse_midi(midi_bytes([note(49), *touches]), TD17)
    assert performance.chokes.tolist() == [(0.5, LANE_OF_NAME["crash_1"])]


def test_aftertouch_on_an_unknown_note_is_named():
    touch = mido.Message("polytouch", channel=9, note=99, value=127)
    assert "note 99" in parse_midi(midi_bytes([note(49), touch]), TD17)[1].problems[0]


def test_running_status_survives_meta_events_and_sysex():
    track = bytes([0, 0x99, 36, 100, 10, 38, 90, 0, 0xFF, 1, 1, 65, 0, 0xF0, 2, 1, 0xF7, 5, 42, 80, 0, 0xFF, 0x2F, 0])
    performance, report = parse_midi(raw_file(track), TD17)
    assert [ARTICULATIONS[lane].name for lane in performance.hits["lane"]] == ["kick", "snare", "hat_closed_bow"]
    assert not report.problems


def test_a_truncated_file_is_read_as_far_as_it_goes():
    whole = midi_bytes([note(36, time=10) for _ in range(20)])
    performance, report = parse_midi(whole[: len(whole) // 2], TD17)
    assert 0 < len(performance.hits) < 20
    assert len(report.problems) == 1 and "truncated" in report.problems[0]


def test_a_corrupt_track_is_read_up_to_the_fault_and_the_next_track_wholly():
    bad = bytes([0, 0x99, 36, 100, 0, 0x99, 200, 100, 0, 0xFF, 0x2F, 0])
    data = raw_file(bad, kind=1) + midi_bytes([note(38)])[14:]
    performance, report = parse_midi(data, TD17)
    assert sorted(performance.hits["lane"].tolist()) == [KICK, SNARE]
    assert len(report.problems) == 1 and "track 1: corrupt after tick 0" in report.problems[0]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a MIDI file"),
        (b"RIFF....WAVE", "not a MIDI file"),
        (b"MThd\0\0", "truncated in the header"),
        (raw_file(b"")[:14], "declares 1 tracks, found 0"),
        (raw_file(b"\0\x99\x24\x64\0\xff\x2f\0", division=0), "time base 0"),
        (raw_file(b"\0\x24\x64"), "data byte 36"),
        (raw_file(b"\0\xf4\0"), "status f4"),
        (raw_file(b"\xff\xff\xff\xff\xff"), "more than 4 bytes"),
        (raw_file(b"\0\xff\x51\x03\0\0\0\0\xff\x2f\0"), "unusable tempo"),
        (raw_file(b"\0\x99\x24\x64"), "ends too early"),
        (raw_file(b"\0\xff\x2f\0", kind=2), "format 2"),
    ],
)
def test_each_fault_is_named(data, words):
    problems = parse_midi(data, TD17)[1].problems
    assert len(problems) == 1 and words in problems[0]


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_damage_raises(data):
    whole = bytearray(midi_bytes([note(36, time=i) for i in range(30)], [mido.MetaMessage("set_tempo", tempo=400_000)]))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    performance, report = parse_midi(bytes(whole[: data.draw(st.integers(0, len(whole)))]), TD17)
    assert report.hits == len(performance.hits)
    assert np.all(np.isfinite(performance.hits["time"])) and performance.duration >= 0


@settings(max_examples=300, deadline=None)
@given(track=st.binary(max_size=200))
def test_no_bytes_raise(track):
    performance, report = parse_midi(raw_file(track), TD17)
    assert report.hits == len(performance.hits)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingError, match=r"gone\.mid"):
        read_midi(tmp_path / "gone.mid", TD17)


def test_times_agree_with_mido_on_real_files(data_dir):
    import tarfile

    with tarfile.open(data_dir / "groove" / "groove-midi.tar.xz") as archive:
        members = [member for member in archive if member.name.endswith(".mid")][::200]
        for member in members:
            data = archive.extractfile(member).read()
            time, expected = 0.0, []
            for message in mido.MidiFile(file=io.BytesIO(data)):
                time += message.time
                if message.type == "note_on" and message.velocity:
                    expected.append((time, TD17.lane_of_note[message.note], message.velocity / 127))
            performance, _ = parse_midi(data, TD17)
            np.testing.assert_allclose([*map(list, performance.hits.tolist())], expected, atol=1e-6)
            assert performance.duration == pytest.approx(time)
