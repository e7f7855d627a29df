"""SoundFonts as kits. The font is the small General MIDI one that the package pretty_midi ships."""

import sys
from pathlib import Path

import numpy as np
import pretty_midi
import pytest

from ghostnote.errors import InputError, MissingError
from ghostnote.files.midi_map import MidiMap
from ghostnote.music.articulations import HAT_LANES, LANE_OF_NAME, N_LANES
from ghostnote.music.performance import Performance, make_hits
from sampler.kit import Kit
from sampler.mix import mix
from sampler.soundfont import REFERENCE_VELOCITIES, load_soundfont, read_info

FONT = Path(pretty_midi.__file__).parent / "TimGM6mb.sf2"


@pytest.fixture(scope="module")
def font_kit() -> Kit:
    try:
        return load_soundfont(FONT)
    except MissingError as error:
        pytest.skip(str(error))


def test_a_soundfont_becomes_a_kit_of_all_lanes(font_kit):
    assert set(font_kit.layers["lane"]) == set(range(N_LANES))
    assert font_kit.choke_groups == (HAT_LANES,)
    assert all(sample.dtype == np.float32 and sample.shape[1] == 2 for sample in font_kit.samples)
    kick = font_kit.layers[font_kit.layers["lane"] == 0]
    assert kick["reference_velocity"].tolist() == list(REFERENCE_VELOCITIES)
    assert kick["velocity_low"].tolist() == [1, *(v + 1 for v in REFERENCE_VELOCITIES[:-1])]
    assert kick["velocity_high"].tolist() == list(REFERENCE_VELOCITIES)


def test_its_drums_start_at_once_and_end_silently(font_kit):
    for sample in font_kit.samples:
        level = np.abs(sample).max(axis=1)
        assert np.argmax(level > level.max() * 1e-3) <= 48
        assert level[-1] < 1e-6


def test_the_louder_of_kick_and_snare_peaks_at_minus_3_db(font_kit):
    performance = [Performance(make_hits([(0.0, LANE_OF_NAME[name], 1.0)])) for name in ("kick", "snare")]
    peak = max(np.abs(mix(font_kit, p)).max() for p in performance)
    assert 20 * np.log10(peak) == pytest.approx(-3, abs=0.01)


def test_harder_is_louder(font_kit):
    for lane in range(N_LANES):
        loudness = font_kit.layers["loudness_db"][font_kit.layers["lane"] == lane]
        assert np.diff(loudness).min() > 1


def test_articulations_that_a_map_lacks_play_the_first_of_their_piece(font_kit):
    names = {"kick": 36, "snare": 38, "tom_high": 48, "tom_mid": 45, "tom_low": 43, "hat_closed_bow": 42}
    notes = {**names, "crash_1": 49, "crash_2": 57, "ride_bow": 51}
    lanes = {LANE_OF_NAME[name]: note for name, note in notes.items()}
    bare = load_soundfont(FONT, midi_map=MidiMap("bare", {}, lanes))
    first = {lane: bare.layers["first_stroke"][bare.layers["lane"] == lane][0] for lane in range(N_LANES)}
    assert first[LANE_OF_NAME["snare_rim"]] == first[LANE_OF_NAME["snare"]]
    assert first[LANE_OF_NAME["ride_bell"]] == first[LANE_OF_NAME["ride_bow"]]


def test_a_piece_without_sound_is_named(font_kit):
    lanes = {lane: 36 for lane in range(N_LANES) if lane not in HAT_LANES}
    with pytest.raises(InputError, match="no sound for hat"):
        load_soundfont(FONT, midi_map=MidiMap("no hats", {}, lanes))


def test_a_missing_preset_is_answered_with_those_that_are_there(font_kit):
    with pytest.raises(InputError, match=r"no drum preset 3; found: 0 \(Standard\), 8 \(Room\)"):
        load_soundfont(FONT, program=3)


def test_another_preset_has_another_id_and_sound(font_kit):
    power = load_soundfont(FONT, program=16)
    assert power.info.id == "TimGM6mb_16"
    assert not np.array_equal(power.samples[0], font_kit.samples[0])


def test_the_font_tells_its_name():
    assert read_info(FONT)["INAM"] == "TimGM6mb"


def test_files_that_are_no_soundfont_are_refused(tmp_path):
    with pytest.raises(MissingError, match=r"none\.sf2"):
        load_soundfont(tmp_path / "none.sf2")
    for content in (b"", b"RIFF", b"RIFF\0\0\0\0WAVEfmt \0\0\0\0"):
        (tmp_path / "bad.sf2").write_bytes(content)
        with pytest.raises(InputError, match=r"bad\.sf2"):
            load_soundfont(tmp_path / "bad.sf2")


def test_a_truncated_soundfont_is_refused(font_kit, tmp_path):
    (tmp_path / "half.sf2").write_bytes(FONT.read_bytes()[:20000])
    with pytest.raises(InputError, match=r"half\.sf2: FluidSynth cannot read"):
        load_soundfont(tmp_path / "half.sf2")


def test_without_pyfluidsynth_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fluidsynth", None)
    with pytest.raises(MissingError, match=r"pip install 'ghostnote\[soundfont\]'"):
        load_soundfont(FONT)


def test_without_the_library_the_message_says_what_to_install(monkeypatch, tmp_path):
    (tmp_path / "fluidsynth.py").write_text('raise ImportError("Couldn\'t find the FluidSynth library.")')
    monkeypatch.delitem(sys.modules, "fluidsynth", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingError, match="apt install libfluidsynth3"):
        load_soundfont(FONT)
