"""The commands render, kits and run, on the tiny bundle."""

import sys

import numpy as np
import pytest
import soundfile

from cli.main import run
from ghostnote.files.midi import write_midi
from ghostnote.files.midi_map import load_map
from ghostnote.files.preset import Preset, save_preset
from ghostnote.music.articulations import PIECES
from ghostnote.music.performance import Performance, make_hits
from tests.support.paths import ROOT

TINY = str(ROOT / "tests" / "data" / "tiny_bundle")
BEAT = Performance(make_hits([(0.0, 0, 0.9), (0.5, 1, 0.7)]), bpm=120.0, duration=1.0)


@pytest.fixture
def midi(tmp_path):
    path = tmp_path / "beat.mid"
    write_midi(BEAT, path, load_map("gm"))
    return path


def render(*words):
    return run(["render", *map(str, words), "--bundle", TINY])


def test_a_file_is_rendered_to_the_named_file(midi, tmp_path, capsys):
    out = tmp_path / "a.flac"
    assert render(midi, "-o", out, "--kit", "beta", "--rate", 44100, "--piece", "snare=gamma,tune=-2") == 0
    sound, rate = soundfile.read(out)
    assert rate == 44100
    assert sound.shape[1] == 2
    assert np.abs(sound).max() > 0
    assert "of real time" in capsys.readouterr().out


def test_kit_seed_tempo_and_stems_are_obeyed(midi, tmp_path):
    def sound(*words):
        assert render(midi, "-o", tmp_path / "x.wav", *words) == 0
        return soundfile.read(tmp_path / "x.wav")[0]

    plain = sound()
    assert np.array_equal(plain, sound("--seed", 0, "--kit", "alpha"))
    assert not np.array_equal(plain, sound("--seed", 1))
    assert not np.array_equal(plain, sound("--kit", "gamma"))
    first = int(0.25 * 48000)
    assert not np.array_equal(plain[first : 4 * first], sound("--tempo", 240)[first : 4 * first])
    mix = sound("--stems")
    stems = [soundfile.read(tmp_path / f"x.{piece}.wav")[0] for piece in ("kick", "snare")]
    np.testing.assert_allclose(sum(stems), mix, atol=1e-5)


def test_a_preset_gives_kit_or_morph_pieces_levels_positions_and_feel(midi, tmp_path):
    def sound(text, *words):
        (tmp_path / "mine.toml").write_text(text)
        assert render(midi, "-o", tmp_path / "x.wav", "--preset", tmp_path / "mine.toml", *words) == 0
        return soundfile.read(tmp_path / "x.wav")[0]

    plain = sound("")
    assert np.array_equal(sound('kit = "gamma"'), sound("", "--kit", "gamma"))
    assert np.array_equal(sound('kit = "gamma"', "--kit", "alpha"), plain)
    tuned = sound('pieces.snare = { kit = "beta", tune = -2.0 }')
    assert np.array_equal(tuned, sound("", "--piece", "snare=beta,tune=-2"))
    assert not np.array_equal(tuned, plain)
    morph = sound("kit = { alpha = 0.5, gamma = 0.5 }")
    assert not np.array_equal(morph, plain)
    assert not np.array_equal(morph, sound('kit = "gamma"'))
    soft = ", ".join(f"{piece} = -20.0" for piece in PIECES)
    quiet = sound(f"levels = {{ {soft} }}")  # far from the limiter
    np.testing.assert_allclose(sound(f"levels = {{ {soft.replace('-20', '-40')} }}"), 0.1 * quiet, atol=1e-5)
    left = sound(f"levels = {{ {soft} }}\npans = {{ {soft.replace('-20.0', '-1.0')} }}")
    np.testing.assert_allclose(left, quiet * [1, 0], atol=1e-5)
    assert not np.array_equal(sound("feel = { velocity = 1.0 }"), plain)


def test_a_preset_is_found_by_name_and_one_that_does_not_fit_is_refused(midi, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GHOSTNOTE_HOME", str(tmp_path / "home"))
    save_preset("dark", Preset(kit={"beta": 1.0}))
    save_preset("strange", Preset(kit={"unheard of": 1.0}))
    assert render(midi, "-o", tmp_path / "a.wav", "--preset", "dark") == 0
    assert render(midi, "-o", tmp_path / "b.wav", "--kit", "beta") == 0
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    for name, fault in (("strange", "unheard of"), ("nowhere", "no preset 'nowhere'")):
        assert render(midi, "-o", tmp_path / "c.wav", "--preset", name) == 2
        assert fault in capsys.readouterr().err


def test_several_files_go_into_a_folder(midi, tmp_path):
    groove = ROOT / "presets" / "grooves" / "machine_electro.toml"
    assert render(midi, groove, "-o", tmp_path / "out", "--jobs", 1) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["beat.wav", "machine_electro.wav"]


def test_one_bad_file_of_several_fails_the_command_but_not_the_others(midi, tmp_path, capsys):
    assert render(midi, tmp_path / "no.mid", "-o", tmp_path / "out", "--jobs", 1) == 2
    assert (tmp_path / "out" / "beat.wav").is_file()
    assert "no.mid" in capsys.readouterr().err


def test_a_plot_is_drawn(midi, tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need the extra 'evaluate'")
    assert render(midi, "-o", tmp_path, "--plot", tmp_path / "p.png") == 0
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--kit", "alpah"], "did you mean alpha"),
        (["--piece", "snar=alpha"], "--piece snar=alpha: expected PIECE=KIT"),
        (["--piece", "snare=tune=x"], "tune is 'x', expected a number"),
        (["--piece", "snare=tune=20"], "tune is 20, expected -12..12"),
        (["--piece", "snare=nothing"], "no kit 'nothing'"),
        (["--mode", "fast"], "no mode 'fast'"),
        (["--rate", "1"], "rate 1 Hz"),
        (["--map", "roland"], "no MIDI map 'roland'"),
        (["--tempo", "1"], "20"),
    ],
)
def test_a_wrong_option_is_one_line_and_status_2(midi, tmp_path, capsys, words, message):
    assert render(midi, "-o", tmp_path / "out", *words) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_targets_that_clash_are_refused_before_work(midi, tmp_path, capsys):
    assert render(midi, midi, "-o", tmp_path / "one.wav") == 2
    assert render(midi, midi, "-o", tmp_path / "out") == 2
    assert "several inputs would become" in capsys.readouterr().err


def test_no_torch_is_loaded(midi, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert render(midi, "-o", tmp_path) == 0


def test_kits_are_listed_with_character_and_licence(capsys):
    assert run(["kits", "--bundle", TINY]) == 0
    printed = capsys.readouterr().out
    assert "alpha" in printed
    assert "CC0 1.0" in printed
    assert "untrained" in printed
    assert "0 any, 1 drummer1" in printed


def test_run_serves_a_groove_where_there_is_a_device_and_else_writes_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("cli.play.run.has_output_device", lambda: False)
    words = ["run", "--bundle", TINY, "-o", str(tmp_path), "--groove", "machine_electro", "--kit", "beta"]
    assert run(words) == 0
    file = tmp_path / "machine_electro-beta.wav"
    assert str(file) in capsys.readouterr().out.replace("\n", "")
    assert np.abs(soundfile.read(file)[0]).max() > 0
    served = []
    monkeypatch.setattr("cli.play.run.has_output_device", lambda: True)
    monkeypatch.setattr("server.serve.serve", lambda config, announce: served.append(config) or 0)
    assert run(words) == 0
    assert (served[0].kit, served[0].play, served[0].bundle) == ("beta", "machine_electro", TINY)
    assert run(["run", "--bundle", TINY, "--groove", "polka"]) == 2
