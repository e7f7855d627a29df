"""Recordings: what sounded and what was played, in one time; nothing overwritten, and faults told."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ghostnote.errors import InputError
from ghostnote.events import ChokeEvent, NoteEvent, OpennessEvent, PanicEvent
from ghostnote.files.midi import read_midi
from ghostnote.files.midi_map import load_map
from server.audio.output import NullOutput
from server.audio.recorder import Recorder, default_folder

RATE, BLOCK = 48_000, 256
LATENCY = 720


class Rig:
    """A recorder at an output that plays what it is given; hits are placed `LATENCY` frames after their time."""

    def __init__(self, folder, midi_map=None):
        self.output = NullOutput(RATE, BLOCK)
        self.recorder = Recorder(
            str(folder), lambda: self.output, lambda at: at * RATE + LATENCY, midi_map or load_map("gm"), lambda: 96.0
        )

    def play(self, audio):
        for start in range(0, len(audio), BLOCK):
            self.output.write(self.output.consumed(), audio[start : start + BLOCK])
            self.output.advance()

    def end(self):
        self.recorder.ask(("0",))
        end = time.monotonic() + 10
        while self.recorder.value[0]:
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.01)
        return tuple(map(Path, self.recorder.value[1:]))


@pytest.fixture
def rig(tmp_path):
    made = Rig(tmp_path)
    yield made
    made.recorder.stop()


def noise(frames):
    return np.random.default_rng(0).uniform(-0.9, 0.9, (frames, 2)).astype(np.float32)


def test_the_wav_is_what_was_taken_from_the_first_frame_to_the_last(rig, tmp_path):
    before, sound = noise(1024), noise(20 * BLOCK)
    rig.play(before)
    assert rig.recorder.ask(("song",)) == (1, str(tmp_path / "song.wav"), str(tmp_path / "song.mid"))
    rig.play(sound)
    wav, _ = rig.end()
    audio, rate = soundfile.read(wav, dtype="float32", always_2d=True)
    assert rate == RATE
    assert soundfile.info(wav).subtype == "PCM_24"
    np.testing.assert_allclose(audio, sound, atol=2**-23)


def test_hits_stand_in_the_midi_file_where_they_sound_in_the_wav(rig):
    rig.play(noise(2 * BLOCK))
    rig.recorder.ask(("1",))
    rig.play(noise(10 * BLOCK))
    for event in (NoteEvent(0.5, 0, 0.8), NoteEvent(0.25, 1, 0.6), OpennessEvent(0.1, 1.0), ChokeEvent(0.7, 17)):
        rig.recorder.on_event(event)
    _, mid = rig.end()
    performance, report = read_midi(mid, load_map("gm"))
    assert report.problems == ()
    assert performance.bpm == 96.0
    shift = (LATENCY - 2 * BLOCK) / RATE
    assert performance.hits["lane"].tolist() == [1, 0]
    assert performance.hits["time"] == pytest.approx([0.25 + shift, 0.5 + shift], abs=0.001)
    assert performance.chokes["time"] == pytest.approx([0.7 + shift], abs=0.001)


def test_a_panic_takes_back_hits_that_were_still_to_come(rig):
    rig.recorder.ask(("1",))
    for event in (NoteEvent(0.5, 0, 0.8), NoteEvent(1.5, 1, 0.6), PanicEvent(1.0), NoteEvent(2.0, 4, 0.7)):
        rig.recorder.on_event(event)
    _, mid = rig.end()
    assert read_midi(mid, load_map("gm"))[0].hits["lane"].tolist() == [0, 4]


def test_what_the_users_map_cannot_write_is_written_by_general_midi(tmp_path):
    rig = Rig(tmp_path, replace(load_map("gm"), note_of_lane={0: 36}))
    rig.recorder.ask(("1",))
    rig.recorder.on_event(NoteEvent(0.5, 1, 0.8))
    _, mid = rig.end()
    assert len(read_midi(mid, load_map("gm"))[0].hits) == 1


def test_no_file_is_ever_replaced(rig, tmp_path):
    (tmp_path / "song.wav").write_text("mine")
    (tmp_path / "song-2.mid").write_text("mine too")
    rig.recorder.ask(("song",))
    assert rig.end() == (tmp_path / "song-3.wav", tmp_path / "song-3.mid")
    assert (tmp_path / "song.wav").read_text() == "mine"
    assert (tmp_path / "song-2.mid").read_text() == "mine too"
    assert not (tmp_path / "song-2.wav").exists()


def test_a_folder_that_is_not_there_and_a_name_that_is_none_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        Rig(tmp_path / "away").recorder.ask(("1",))
    rig = Rig(tmp_path)
    with pytest.raises(InputError, match=r"name of a recording '\.\./x'"):
        rig.recorder.ask(("../x",))
    assert rig.recorder.value == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_one_recording_at_a_time_and_ending_none_is_no_fault(rig):
    assert rig.recorder.ask(("0",)) == (0, "", "")
    rig.recorder.ask(("1",))
    with pytest.raises(InputError, match="stop it with 0 first"):
        rig.recorder.ask(("other",))


def test_a_full_disk_ends_the_recording_with_a_reason_and_keeps_what_was_written(rig):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    rig.recorder.ask(("song",))
    rig.recorder.on_event(NoteEvent(0.5, 1, 0.8))
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
        rig.play(noise(80 * BLOCK))
        end = time.monotonic() + 10
        while rig.recorder.value[0]:
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.01)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "song.wav stopped: File too large" in rig.recorder.fault
    audio, _ = soundfile.read(rig.recorder.value[1], dtype="float32", always_2d=True)
    assert len(read_midi(Path(rig.recorder.value[2]), load_map("gm"))[0].hits) == 1
    assert len(audio) <= 50_000 / 6
    rig.recorder.ask(("song",))
    assert rig.recorder.fault == ""


def test_an_output_that_comes_back_goes_on_in_the_same_file_at_its_time(rig):
    rig.recorder.ask(("1",))
    rig.play(noise(10 * BLOCK))
    lost, rig.output = rig.output, None
    time.sleep(0.3)
    back = NullOutput(RATE, BLOCK)
    rig.output = back
    time.sleep(0.25)
    sound = noise(10 * BLOCK)
    rig.play(sound)
    wav, _ = rig.end()
    audio, _ = soundfile.read(wav, dtype="float32", always_2d=True)
    assert lost is not rig.output
    np.testing.assert_allclose(audio[-len(sound) :], sound, atol=2**-23)
    assert len(audio) > len(sound) + 0.1 * RATE


def test_an_output_of_another_rate_ends_the_recording(rig):
    rig.recorder.ask(("1",))
    rig.output = NullOutput(44_100, BLOCK)
    end = time.monotonic() + 10
    while rig.recorder.value[0]:
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    assert "44100 Hz, not 48000" in rig.recorder.fault


def test_recordings_lie_beside_presets_where_the_home_is_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("GHOSTNOTE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "recordings"
