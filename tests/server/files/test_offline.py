"""Rendering performances to files: modes, tails, stems, rates, peaks; which inputs are read and how."""

from dataclasses import replace

import mido
import numpy as np
import pytest
import soundfile

from ghostnote.errors import InputError, MissingError
from ghostnote.files.midi import write_midi
from ghostnote.files.midi_map import load_map
from ghostnote.files.preset import Preset
from ghostnote.music.articulations import ARTICULATIONS, LANE_OF_NAME
from ghostnote.music.feel import with_feel
from ghostnote.music.performance import Performance, make_hits
from server.files.batch import RenderJob, RenderSettings, render_jobs
from server.files.inputs import choose_map, read_performance
from server.files.offline import TAIL_SECONDS, render_performance, save_audio
from server.render.bundle import load_renderer
from server.render.limiter import CEILING_DB
from tests.support.paths import ROOT, TINY

GROOVE = ROOT / "presets" / "grooves" / "pocket_funk.toml"
BEAT = Performance(
    make_hits([(0.0, 0, 0.9), (0.5, 1, 0.7), (0.75, LANE_OF_NAME["hat_closed_bow"], 0.4), (1.0, 0, 0.8)]),
    bpm=120.0,
    duration=1.2,
)


@pytest.fixture(scope="module")
def renderer():
    return load_renderer(TINY)


def test_every_mode_gives_the_same_sound(renderer):
    whole = render_performance(renderer, BEAT, mode="file").audio
    for mode in ("window", "live"):
        sound = render_performance(renderer, BEAT, mode=mode).audio
        frames = min(len(sound), len(whole))
        assert abs(len(sound) - len(whole)) <= renderer.hop
        error = np.mean((sound[: frames - 2000] - whole[: frames - 2000]) ** 2) / np.mean(whole**2)
        assert 10 * np.log10(error + 1e-12) < -60


def test_the_sound_lasts_until_the_tail_has_died_and_ends_in_silence(renderer):
    rendering = render_performance(renderer, BEAT)
    seconds = len(rendering.audio) / rendering.sample_rate
    assert BEAT.duration <= seconds <= BEAT.duration + TAIL_SECONDS + 0.1
    assert np.abs(rendering.audio[-1]).max() < 1e-4
    long = render_performance(renderer, replace(BEAT, duration=20.0))
    assert len(long.audio) >= 20 * long.sample_rate


def test_feel_moves_the_hits_as_it_does_when_they_are_played_in():
    random = np.random.default_rng(0)
    assert with_feel(BEAT, {}, random) is BEAT
    swung = with_feel(BEAT, {"swing": 1.0}, random)  # 120 bpm: the hits lie on beats 0, 1, 1.5 and 2
    np.testing.assert_allclose(swung.hits["time"], [0.0, 0.5, 0.5 + 2 / 3 * 0.5, 1.0])
    np.testing.assert_array_equal(swung.hits["velocity"], BEAT.hits["velocity"])
    loose = with_feel(BEAT, {"timing": 1.0, "velocity": 1.0}, random)
    assert np.all(loose.hits["time"] >= BEAT.hits["time"])
    assert np.all(loose.hits["velocity"] != BEAT.hits["velocity"])
    assert loose.duration >= loose.hits["time"][-1]
    assert np.all(BEAT.hits["time"] == [0.0, 0.5, 0.75, 1.0])


def test_stems_are_the_played_pieces_and_add_up_to_the_mix(renderer):
    rendering = render_performance(renderer, BEAT, stems=True)
    assert tuple(rendering.stems) == BEAT.pieces == ("kick", "snare", "hat")
    np.testing.assert_allclose(sum(rendering.stems.values()), rendering.audio, atol=1e-5)
    snare = np.abs(rendering.stems["snare"]).max(axis=1)
    assert snare[: int(0.49 * 48000)].max() < snare.max()
    assert render_performance(renderer, BEAT).stems == {}


@pytest.mark.parametrize("stems", [False, True])
def test_peaks_stay_below_full_scale_and_it_is_said(renderer, stems):
    renderer.set_levels({}, {})
    quiet = render_performance(renderer, BEAT, stems=stems)
    renderer.set_levels(dict.fromkeys({a.piece for a in ARTICULATIONS}, 24.0), {})
    loud = render_performance(renderer, BEAT, stems=stems)
    renderer.set_levels({}, {})
    for sound in (loud.audio, *loud.stems.values()):
        assert np.abs(sound).max() <= 10 ** (CEILING_DB / 20) * 1.00001
    assert loud.reduction_db > quiet.reduction_db
    assert loud.reduction_db > 1


@pytest.mark.parametrize("rate", [44100, 96000])
def test_another_rate_keeps_length_and_level(renderer, rate):
    plain, other = render_performance(renderer, BEAT), render_performance(renderer, BEAT, rate=rate)
    assert other.sample_rate == rate
    assert len(other.audio) / rate == pytest.approx(len(plain.audio) / 48000, abs=0.001)
    if rate > 48000:
        assert np.sqrt(np.mean(other.audio**2)) == pytest.approx(np.sqrt(np.mean(plain.audio**2)), rel=0.05)


def test_unknown_modes_rates_and_suffixes_are_refused(renderer, tmp_path):
    with pytest.raises(InputError, match="no mode 'turbo': choose file, window, live"):
        render_performance(renderer, BEAT, mode="turbo")
    with pytest.raises(InputError, match="rate 100 Hz"):
        render_performance(renderer, BEAT, rate=100)
    with pytest.raises(InputError, match=r"ends in \.wav or \.flac"):
        save_audio(tmp_path / "x.mp3", np.zeros((10, 2), np.float32), 48000)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".WAV"])
def test_saved_files_read_back(tmp_path, suffix):
    sound = np.random.default_rng(0).uniform(-1, 1, (1000, 2)).astype(np.float32)
    save_audio(tmp_path / "new" / f"x{suffix}", sound, 44100)
    read, rate = soundfile.read(tmp_path / "new" / f"x{suffix}", dtype="float32")
    assert rate == 44100
    np.testing.assert_allclose(read, sound, atol=2e-7)


def write_notes(path, notes, channel=9, pedal=False):
    track = mido.MidiTrack()
    if pedal:
        track.append(mido.Message("control_change", channel=channel, control=4, value=90))
    for note in notes:
        track.append(mido.Message("note_on", channel=channel, note=note, velocity=90, time=100))
    mido.MidiFile(tracks=[track]).save(path)
    return path


@pytest.mark.parametrize(
    ("notes", "pedal", "expected"),
    [
        ([36, 38, 42], False, "gm"),
        ([36, 38, 42], True, "td17"),
        ([36, 40, 22], False, "td17"),
        ([36, 58], False, "td17"),
        ([36, 39, 22], False, "gm"),
        ([35, 41], True, "gm"),
    ],
)
def test_the_map_follows_from_pads_and_pedal(tmp_path, notes, pedal, expected):
    path = write_notes(tmp_path / "x.mid", notes, pedal=pedal)
    assert choose_map(path).name == expected
    performance, _ = read_performance(path)
    lanes = [load_map(expected).lane_of_note[note] for note in notes]
    assert performance.hits["lane"].tolist() == lanes


def test_a_named_map_is_obeyed_and_unknown_notes_are_told(tmp_path):
    path = write_notes(tmp_path / "x.mid", [36, 40, 39])
    performance, remarks = read_performance(path, "td17")
    assert [ARTICULATIONS[lane].name for lane in performance.hits["lane"]] == ["kick", "snare_rim"]
    assert remarks == ("notes left out because they are not in the map td17: 39 (1)",)
    _, remarks = read_performance(write_notes(tmp_path / "y.mid", [36], channel=0))
    assert remarks == ("drums read from channel 1, the only one with notes",)


@pytest.mark.parametrize(
    ("name", "notes", "message"),
    [("empty.mid", [], "the file has no notes"), ("strange.mid", [1, 2], r"none of its notes \(1, 2\) is in the map")],
)
def test_a_file_without_drums_is_answered_with_the_reason(tmp_path, name, notes, message):
    with pytest.raises(InputError, match=rf"{name} has no drum hits.*{message}"):
        read_performance(write_notes(tmp_path / name, notes))


def test_other_inputs_are_refused(tmp_path):
    (tmp_path / "x.mid").write_bytes(b"not midi at all")
    with pytest.raises(InputError, match="has no drum hits"):
        read_performance(tmp_path / "x.mid")
    with pytest.raises(InputError, match=r"expected a MIDI file \(\.mid, \.midi\) or a groove"):
        read_performance(tmp_path / "x.mp3")
    with pytest.raises(MissingError):
        read_performance(tmp_path / "nowhere.mid")


def test_a_groove_and_its_midi_file_are_the_same_hits(tmp_path):
    groove, _ = read_performance(GROOVE)
    write_midi(groove, tmp_path / "groove.mid", load_map("td17"))
    midi, _ = read_performance(tmp_path / "groove.mid")
    assert midi.hits["lane"].tolist() == groove.hits["lane"].tolist()
    np.testing.assert_allclose(midi.hits["time"], groove.hits["time"], atol=0.001)


def test_many_files_are_rendered_side_by_side_and_one_bad_file_stops_none(tmp_path):
    write_midi(BEAT, tmp_path / "good.mid", load_map("td17"))
    write_notes(tmp_path / "bad.mid", [])
    jobs = [
        RenderJob(tmp_path / f"{name}.mid", tmp_path / "out" / f"{name}.wav") for name in ("good", "bad", "nowhere")
    ]
    done = {
        one.job.source.stem: one
        for one in render_jobs(RenderSettings(TINY, Preset(kit={"beta": 1.0}), seed=3), jobs, 2)
    }
    assert "no drum hits" in done["bad"].error
    assert "cannot read" in done["nowhere"].error
    assert done["good"].error == ""
    renderer = load_renderer(TINY, seed=3)
    renderer.set_kit({"beta": 1.0})
    expected = render_performance(renderer, read_performance(tmp_path / "good.mid")[0]).audio
    np.testing.assert_allclose(soundfile.read(tmp_path / "out" / "good.wav")[0], expected, atol=1e-5)


def test_a_performance_of_many_hours_is_refused(renderer):
    with pytest.raises(InputError, match=r"lasts 10\.0 hours"):
        render_performance(renderer, replace(BEAT, duration=36000.0, name="loop"))


def test_a_caller_that_stops_early_gets_no_more_files(tmp_path):
    write_midi(BEAT, tmp_path / "x.mid", load_map("td17"))
    jobs = [RenderJob(tmp_path / "x.mid", tmp_path / f"{n}.wav") for n in range(40)]
    rendering = render_jobs(RenderSettings(TINY, Preset(kit={"alpha": 1.0})), jobs, 1)
    next(rendering)
    rendering.close()
    assert len(list(tmp_path.glob("*.wav"))) < 40


def test_a_bundle_that_looks_ahead_is_rendered_in_whole_windows(renderer, monkeypatch):
    calls = []
    render = renderer.render
    monkeypatch.setattr(renderer, "causal", False)
    monkeypatch.setattr(renderer, "render", lambda events: calls.append(len(events)) or render(events))
    render_performance(renderer, BEAT, mode="file")
    assert set(calls[:-1]) == {375}
    with pytest.raises(InputError, match="bundle tiny renders whole windows: choose mode file or window"):
        render_performance(renderer, BEAT, mode="live")
