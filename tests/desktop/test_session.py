"""Session, mixer, settings and the other parts of the app that know nothing of Qt."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.groove_player import AHEAD_SECONDS, GroovePlayer
from desktop.grooves import audition_phrase, groove_names, load_groove
from desktop.health import Health, latency_text, output_text
from desktop.kit_list import drummer_name, read_kits, search
from desktop.mixer import OFF, Mixer
from desktop.pieces import db_text, fader_db, fader_position, way_title, ways_of
from desktop.render_plan import RenderRequest, is_source, kit_text, mix_text, percent, written
from desktop.session import HOLD_SECONDS, Session, path
from desktop.settings import AppSettings, kept_of, load_settings, preset_of, save_settings
from ghostnote.errors import InputError
from ghostnote.files.preset import Preset, list_presets, load_preset
from ghostnote.hosts import HOSTS, seen_by_host
from ghostnote.music.articulations import PIECES
from ghostnote.music.performance import Performance, make_hits

KITS = ("jazz", "rock")


class Rig:
    """A session whose messages are kept and whose clock is set by hand."""

    def __init__(self, restore=None):
        self.sent, self.time = [], 100.0
        self.session = Session(lambda *message: self.sent.append(message), restore, lambda: self.time)

    def server_comes(self, **told):
        """A new server tells its values, as after a subscription."""
        values = {"kits": KITS, "drummers": ("any", "drummer1"), "kit": ("jazz",), "morph": (0.0, "jazz", "jazz"),
                  "drummer": (0,), "tempo": (120.0,), "mode": ("live",), "latency": (688, 48000),
                  **{f"level/{piece}": (0.0,) for piece in PIECES}}  # fmt: skip
        for name, value in {**values, **told}.items():
            self.session.receive(path(name), value)
        self.session.arrived()

    def take(self):
        sent, self.sent[:] = list(self.sent), []
        return sent


@pytest.fixture
def rig():
    made = Rig()
    made.server_comes()
    made.take()
    return made


def test_a_change_is_shown_at_once_and_sent(rig):
    heard = []
    rig.session.listen("tempo", lambda address, values: heard.append(values))
    rig.session.change(path("tempo"), 98.0)
    assert rig.session.number("tempo") == 98.0
    assert rig.take() == [("/ghostnote/tempo", 98.0)]
    assert heard == [(98.0,)]


def test_echoes_of_earlier_steps_of_a_drag_are_not_shown(rig):
    for tempo in (90.0, 95.0, 100.0):
        rig.session.change(path("tempo"), tempo)
    rig.session.receive(path("tempo"), (95.0,))
    assert rig.session.number("tempo") == 100.0
    rig.session.receive(path("tempo"), (100.0,))
    rig.session.receive(path("tempo"), (95.0,))
    assert rig.session.number("tempo") == 100.0
    rig.time += HOLD_SECONDS
    rig.session.receive(path("tempo"), (60.0,))
    assert rig.session.number("tempo") == 60.0


def test_what_was_taken_for_an_old_echo_is_asked_for_afterwards(rig):
    rig.session.change(path("tempo"), 100.0)
    rig.session.receive(path("tempo"), (60.0,))
    rig.take()
    rig.session.tick()
    assert rig.take() == []
    rig.time += HOLD_SECONDS
    rig.session.tick()
    assert rig.take() == [("/ghostnote/tempo",)]
    rig.session.receive(path("tempo"), (60.0,))
    assert rig.session.number("tempo") == 60.0


def test_a_refused_change_is_asked_for_and_told(rig):
    told = []
    rig.session.listen("error", lambda _, values: told.append(values))
    rig.session.change(path("kit"), "none")
    rig.take()
    rig.session.receive("/ghostnote/error", ("/ghostnote/kit", "kit = 'none', expected one of jazz, rock"))
    assert rig.take() == [("/ghostnote/kit",)]
    assert "expected" in told[0][1]
    rig.session.receive(path("kit"), ("jazz",))
    assert rig.session.kit == "jazz"


def test_a_new_server_gets_back_what_the_last_was_set_to(rig):
    rig.session.change(path("kit"), "rock")
    rig.session.change(path("level/snare"), -6.0)
    rig.session.lost()
    rig.take()
    rig.server_comes()
    sent = rig.take()
    assert ("/ghostnote/kit", "rock") in sent
    assert ("/ghostnote/level/snare", -6.0) in sent
    assert rig.session.kit == "rock"


def test_a_kit_that_a_new_server_lacks_is_not_asked_for(rig):
    rig.session.change(path("kit"), "rock")
    rig.session.lost()
    rig.take()
    rig.server_comes(kits=("jazz",))
    assert ("/ghostnote/kit", "rock") not in rig.take()
    rig.session.receive(path("kit"), ("jazz",))
    assert rig.session.kit == "jazz"


def test_status_becomes_figures_and_unknown_messages_do_no_harm(rig):
    rig.session.receive(path("status"), ("xruns", 3, "provider", "CPUExecutionProvider"))
    rig.session.receive("/elsewhere", (1,))
    assert rig.session.figures == {"xruns": 3, "provider": "CPUExecutionProvider"}


def test_a_morph_of_one_kit_with_itself_is_that_kit(rig):
    rig.session.morph_to(0.3, "jazz", "rock")
    rig.session.morph_to(0.0, "rock", "rock")
    assert rig.take() == [("/ghostnote/morph", 0.3, "jazz", "rock"), ("/ghostnote/kit", "rock")]


def test_a_preset_is_saved_from_the_servers_own_words(rig, tmp_path, monkeypatch):
    monkeypatch.setenv("GHOSTNOTE_HOME", str(tmp_path))
    told = []
    rig.session.listen("saved", lambda _, values: told.append(values))
    rig.session.save_preset("mine", overwrite=False)
    assert rig.take() == [("/ghostnote/settings",)]
    rig.session.receive(path("settings"), ('kit = "rock"\ntempo = 99.0\n',))
    assert load_preset("mine") == Preset(kit={"rock": 1.0}, tempo=99.0)
    rig.session.save_preset("mine", overwrite=False)
    rig.session.receive(path("settings"), ('kit = "rock"\n',))
    assert told[0] == ("mine", "")
    assert "already exists" in told[1][1]
    assert list_presets().names == ("mine",)


# Mixer


def levels(rig):
    return {piece: rig.session.number(f"level/{piece}") for piece in PIECES}


def test_mute_sends_off_and_unmute_the_fader(rig):
    mixer = Mixer(rig.session)
    mixer.set_fader("snare", -3.0)
    mixer.set_mute("snare", True)
    assert rig.take()[-1] == ("/ghostnote/level/snare", OFF)
    rig.session.receive(path("level/snare"), (OFF,))
    mixer.set_mute("snare", False)
    assert rig.take() == [("/ghostnote/level/snare", -3.0)]


def test_solo_silences_the_others_and_only_them(rig):
    mixer = Mixer(rig.session)
    mixer.set_solo("kick", True)
    assert {piece for piece, db in levels(rig).items() if db == OFF} == set(PIECES) - {"kick"}
    mixer.set_solo("hat", True)
    assert levels(rig)["hat"] == 0.0
    mixer.set_solo("kick", False)
    mixer.set_solo("hat", False)
    assert set(levels(rig).values()) == {0.0}


def test_another_who_raises_a_muted_piece_unmutes_it(rig):
    mixer = Mixer(rig.session)
    mixer.set_mute("ride", True)
    rig.time += 1
    rig.session.receive(path("level/ride"), (-12.0,))
    assert mixer.muted == set()
    assert mixer.faders["ride"] == -12.0


@given(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(("mute", "solo")), st.booleans())))
def test_a_piece_is_heard_unless_muted_or_not_among_the_soloed(steps):
    rig = Rig()
    rig.server_comes()
    mixer = Mixer(rig.session)
    for piece, what, on in steps:
        (mixer.set_mute if what == "mute" else mixer.set_solo)(piece, on)
    for piece, db in levels(rig).items():
        heard = piece not in mixer.muted and (not mixer.soloed or piece in mixer.soloed)
        assert db == (0.0 if heard else OFF)


@given(st.floats(0, 1))
def test_fader_places_and_levels_are_inverse(position):
    assert fader_position(fader_db(position)) == pytest.approx(position, abs=1e-6)


def test_fader_ends_and_texts():
    assert (fader_db(0), fader_db(1), fader_db(0.75)) == (-60, 12, 0)
    assert [db_text(db) for db in (-60, -3.04, 0, 6)] == ["off", "-3.0", "0.0", "+6.0"]
    assert ways_of("snare") == [("snare", "Normal"), ("snare_rim", "Rim"), ("side_stick", "Side stick")]
    assert way_title("crash_1_edge") == "Edge"


# Settings


def test_settings_come_back_as_they_were_saved(tmp_path, monkeypatch):
    monkeypatch.setenv("GHOSTNOTE_HOME", str(tmp_path / "new"))
    assert load_settings() == AppSettings()
    settings = AppSettings(device="Scarlett", block=64, last=Preset(kit={"rock": 0.25, "jazz": 0.75}, tempo=99.0))
    save_settings(settings)
    assert load_settings() == settings


def test_settings_that_cannot_be_read_are_left_alone(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("GHOSTNOTE_HOME", str(tmp_path))
    (tmp_path / "app.toml").write_text("block = 'x'")
    assert load_settings() == AppSettings()
    assert "block" in caplog.text
    assert (tmp_path / "app.toml").read_text() == "block = 'x'"


def test_only_settings_that_were_made_become_options():
    assert AppSettings().server_options() == ["--block", "128", "--midi-map", "gm"]
    options = AppSettings(device="USB", rate=44100, midi="TD-17").server_options()
    assert options[:4] == ["--device", "USB", "--rate", "44100"]


@pytest.mark.parametrize(
    "preset",
    [
        Preset(),
        Preset(kit={"rock": 1.0}, drummer=2, tempo=88.5, mode="window"),
        Preset(kit={"rock": 0.25, "jazz": 0.75}, levels={"snare": -6.0}, pans={"hat": 0.5}, feel={"swing": 0.25}),
    ],
)
def test_what_is_kept_for_the_next_start_is_what_was_set(preset):
    assert preset_of(kept_of(preset)) == preset


# Kits, health, hosts


def test_search_finds_all_words_anywhere():
    kits = read_kits("")
    assert len(kits) >= 12
    assert search(kits, "") == list(kits)
    assert {kit.id for kit in search(kits, "jazz cc-by-sa")} == {
        kit.id for kit in kits if "jazz" in f"{kit.id} {kit.name} {kit.character}".lower() and "BY-SA" in kit.licence
    }
    assert search(kits, "no such kit") == []
    assert [drummer_name(name, n) for n, name in enumerate(("any", "drummer1", "Ann"))] == [
        "Any drummer",
        "Drummer 1",
        "Ann",
    ]


def test_health_warns_while_a_counter_grows_and_not_for_ever():
    health, figures = Health(), {"xruns": 5, "late_hops": 0, "cpu_percent": 95.0, "provider": "CUDAExecutionProvider"}
    tones = {reading.name: reading.tone for reading in health.readings(figures)}
    assert tones == {"Late": "good", "Xruns": "good", "CPU": "bad", "Runs on": ""}
    assert health.readings({**figures, "xruns": 6})[1].tone == "warn"
    for _ in range(Health.RECENT):
        last = health.readings({**figures, "xruns": 6})
    assert last[1].tone == "good"
    assert (last[1].text, last[3].text) == ("6", "CUDA")
    assert health.readings({}) == []


def test_output_and_latency_in_words():
    figures = {"output": "USB (ALSA), rtmixer", "rate": 44100, "block": 64}
    assert output_text(figures) == "USB (ALSA) · 44.1 kHz · 64 frames"
    assert output_text({"output": "none"}) == ""
    assert latency_text(688, 48000) == "688 samples · 14.3 ms"


def test_hosts_get_milliseconds_or_samples_and_jack_hosts_not_the_devices_part():
    values = {host.name: host.value(seen_by_host(560, 688, "USB (ALSA)"), 48000) for host in HOSTS}
    assert values["Ableton Live"] == "14.33"
    assert values["Reaper"] == "-14.33"
    assert values["Ardour"] == "688"
    assert seen_by_host(560, 688, "system (JACK Audio Connection Kit), rtmixer") == 560


# Grooves


def test_a_groove_is_sent_ahead_with_the_times_at_which_it_sounds():
    sent, shown = [], []
    player = GroovePlayer(lambda *message: sent.append(message), lambda *hit: shown.append(hit))
    groove = Performance(make_hits([(0.0, 0, 1.0), (0.5, 1, 0.5)]), bpm=120, duration=1.0)
    player.start(groove, 60.0, now=10.0)
    for step in range(100):
        now = 10.0 + 0.05 * step
        player.tick(now)
        assert all(now - 1e-9 < at <= now + AHEAD_SECONDS for at, *_ in sent[-1:]) or len(sent) > 0
    times = np.array([at for at, address, *_ in sent if address == "/ghostnote/hit"])
    assert np.diff(times) == pytest.approx(1.0)  # half speed: half a second becomes one
    assert [address_values[2] for address_values in sent[:2]] == ["kick", "snare"]
    assert 0 < len(shown) <= len(sent)


def test_a_tempo_change_moves_only_what_was_not_sent_yet():
    sent = []
    player = GroovePlayer(lambda *message: sent.append(message), lambda *hit: None)
    player.start(Performance(make_hits([(0.0, 0, 1.0)]), bpm=60, duration=1.0), 60.0, now=0.0)
    for step in range(40):
        player.tick(0.1 * step)
    before = len(sent)
    player.set_tempo(120.0, now=3.9)
    for step in range(40, 80):
        player.tick(0.1 * step)
    gaps = np.diff([at for at, *_ in sent])
    assert gaps[: before - 1] == pytest.approx(1.0)
    assert gaps[before:] == pytest.approx(0.5)
    assert 0.5 <= gaps[before - 1] <= 1.0
    player.stop()
    count = len(sent)
    player.tick(100.0)
    assert len(sent) == count


def test_a_groove_without_hits_is_refused():
    player = GroovePlayer(lambda *message: None, lambda *hit: None)
    with pytest.raises(InputError, match="no hits"):
        player.start(Performance(make_hits([])), 120.0, 0.0)


def test_every_shipped_groove_loads_and_the_audition_has_kick_snare_and_hat():
    assert len(groove_names()) >= 6
    assert all(len(load_groove(name).hits) for _, name in groove_names())
    assert {0, 1, 10} <= set(audition_phrase().hits["lane"].tolist())


# Rendering


def test_a_target_never_overwrites_a_file(tmp_path):
    request = RenderRequest(tmp_path / "beat.mid", Preset(kit={"rock": 0.8, "jazz": 0.2}), stems=True, bundle="b")
    assert request.target == tmp_path / "beat-rock.wav"
    request.target.touch()
    assert request.target == tmp_path / "beat-rock-2.wav"
    words = request.arguments(request.target, tmp_path / "how.toml")
    assert words[0] == "render"
    assert {"--stems", "--progress", "--bundle", "--preset", str(tmp_path / "how.toml")} <= set(words)


def test_what_a_file_is_rendered_with_is_said_in_words():
    assert mix_text(Preset()) == ""
    preset = Preset(levels={"tom_low": -60.0, "crash_1": -4.5, "kick": 0.0}, pans={"hat": -0.4}, feel={"swing": 0.5})
    assert mix_text(preset) == "Low tom off, Crash 1 -4.5 dB, Hi-hat 40 % left, swing 50 %"
    names = {"a": "Brush jazz", "b": "Power rock"}
    assert kit_text({"a": 1.0}, names) == "Brush jazz"
    assert kit_text({"a": 0.7, "b": 0.3}, names) == "Brush jazz 70 : 30 Power rock"
    assert kit_text({}, names) == ""


def test_lines_of_the_renderer_are_understood(tmp_path):
    assert [percent(line) for line in ("42 %", " 100 %\n", "x %", "peaks turned down by 4 % or so", "")] == [
        42, 100, None, None, None,
    ]  # fmt: skip
    assert is_source(tmp_path / "A.MID")
    assert not is_source(tmp_path / "a.wav")
    for name in ("a.wav", "a.kick.wav", "b.wav"):
        (tmp_path / name).touch()
    assert [file.name for file in written(tmp_path / "a.wav")] == ["a.wav", "a.kick.wav"]
