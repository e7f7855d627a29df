"""Presets: what is saved is what is loaded; what is corrupt is named and left alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostnote.errors import InputError, MissingError
from ghostnote.events import LoadPreset, SetDrummer, SetFeel, SetKit, SetLevel, SetMode, SetPan, SetTempo
from ghostnote.files.preset import (
    FEEL_ASPECTS,
    Preset,
    dump_preset,
    list_presets,
    load_preset,
    main_kit,
    parse_preset,
    presets_dir,
    save_preset,
)
from ghostnote.music.articulations import PIECES

NAMES = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=12)


@st.composite
def kits(draw):
    names = draw(st.lists(NAMES, max_size=2, unique=True))
    share = draw(st.floats(0, 1))
    return dict(zip(names, (1.0,) if len(names) == 1 else (share, 1 - share), strict=False))


PRESETS = st.builds(
    Preset,
    bundle=NAMES,
    kit=kits(),
    drummer=st.integers(0, 40),
    mode=st.sampled_from(["live", "window"]),
    tempo=st.floats(20, 400),
    midi_map=NAMES,
    output=st.text(max_size=30).filter(str.isprintable),
    levels=st.dictionaries(st.sampled_from(PIECES), st.floats(-60, 12)),
    pans=st.dictionaries(st.sampled_from(PIECES), st.floats(-1, 1)),
    feel=st.dictionaries(st.sampled_from(FEEL_ASPECTS), st.floats(0, 1)),
)


@given(PRESETS)
def test_what_is_written_reads_back_equal(preset):
    assert parse_preset(dump_preset(preset), "x") == preset


@given(PRESETS)
def test_the_commands_of_a_preset_lead_to_its_settings_from_any_others(preset):
    other = Preset(levels={"ride": -6.0}, pans={"kick": 1.0}, feel={"swing": 1.0}, mode="window")
    for command in preset.commands():
        other = other.after(command)
    assert other.kit == preset.kit
    assert (other.drummer, other.mode, other.tempo) == (preset.drummer, preset.mode, preset.tempo)
    for name, keys in (("levels", PIECES), ("pans", PIECES), ("feel", FEEL_ASPECTS)):
        reached, wanted = getattr(other, name), getattr(preset, name)
        assert [reached.get(key, 0) for key in keys] == [wanted.get(key, 0) for key in keys]


@pytest.mark.parametrize(
    ("command", "key", "value"),
    [
        (SetKit({"a": 0.5, "b": 0.5}), "kit", {"a": 0.5, "b": 0.5}),
        (SetDrummer(3), "drummer", 3),
        (SetLevel("snare", -2.0), "levels", {"snare": -2.0}),
        (SetPan("hat", 0.5), "pans", {"hat": 0.5}),
        (SetFeel("swing", 1.0), "feel", {"swing": 1.0}),
        (SetMode("window"), "mode", "window"),
        (SetTempo(99.0), "tempo", 99.0),
        (LoadPreset("x"), "kit", {}),
    ],
)
def test_a_command_changes_its_own_setting_only(command, key, value):
    after = Preset().after(command)
    assert getattr(after, key) == value
    assert {name for name in vars(after) if getattr(after, name) != getattr(Preset(), name)} <= {key}


def test_one_kit_may_be_written_as_its_name():
    assert parse_preset('kit = "tr808"', "x").kit == {"tr808": 1.0}


def test_the_main_kit_is_the_one_with_the_larger_share():
    assert main_kit({"a": 0.4, "b": 0.6}) == "b"
    assert main_kit({}) == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kit = ", "cannot be used"),
        ("kits = 'a'", "unknown key kits"),
        ("drummer = 'two'", "drummer is 'two', expected a whole number"),
        ("drummer = -1", "drummer is -1"),
        ("mode = 'dead'", "mode is 'dead', expected live or window"),
        ("tempo = 1", r"tempo is 1, expected 20\.\.400"),
        ("tempo = nan", "tempo"),
        ("levels = { cowbell = 1 }", "levels.cowbell is unknown"),
        ("levels = { snare = 50 }", r"levels.snare is 50, expected -60\.\.12"),
        ("pans = { snare = true }", "pans.snare"),
        ("kit = { a = 0.5 }", "sum to 1"),
        ("kit = { a = 0.5, b = 0.25, c = 0.25 }", "3 kits"),
        ("kit = 5", "kit is .*5.*, expected a"),
    ],
)
def test_a_misfit_is_named_with_its_file_and_key(text, message):
    with pytest.raises(InputError, match=message) as raised:
        parse_preset(text, "my.toml")
    assert "my.toml" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_presets_survive_and_are_listed(tmp_path):
    preset = Preset(kit={"a": 1.0}, levels={"snare": -1.5})
    path = save_preset("Friday night", preset, tmp_path / "new")
    assert load_preset("Friday night", tmp_path / "new") == preset
    assert list_presets(tmp_path / "new").names == ("Friday night",)
    assert [p.name for p in path.parent.iterdir()] == ["Friday night.toml"], "no temporary file stays"


def test_an_existing_preset_is_replaced_only_on_request(tmp_path):
    save_preset("a", Preset(drummer=1), tmp_path)
    with pytest.raises(InputError, match="already exists"):
        save_preset("a", Preset(drummer=2), tmp_path)
    assert load_preset("a", tmp_path).drummer == 1
    save_preset("a", Preset(drummer=2), tmp_path, overwrite=True)
    assert load_preset("a", tmp_path).drummer == 2


def test_a_failed_write_leaves_the_old_preset_whole(tmp_path, monkeypatch):
    save_preset("a", Preset(drummer=1), tmp_path)

    def full(_):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="disk full"):
        save_preset("a", Preset(drummer=2), tmp_path, overwrite=True)
    assert load_preset("a", tmp_path).drummer == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.toml"]


def test_corrupt_files_are_named_and_left_alone(tmp_path):
    save_preset("good", Preset(), tmp_path)
    bad = {"bad.toml": b"kit = [", "binary.toml": b"\xff\xfe\x00", "other.toml": b"answer = 42", "-x.toml": b""}
    for name, data in bad.items():
        (tmp_path / name).write_bytes(data)
    found = list_presets(tmp_path)
    assert found.names == ("good",)
    assert found.faults.keys() == bad.keys()
    assert {name: (tmp_path / name).read_bytes() for name in bad} == bad


@settings(max_examples=300)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_make_reading_fail_in_another_way(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "fuzz"
    folder.mkdir(exist_ok=True)
    (folder / "x.toml").write_bytes(data)
    found = list_presets(folder)
    assert len(found.names) + len(found.faults) == 1


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", "x" * 70, "a\n", ".hidden", "a ", "con:"])
def test_a_name_that_is_no_file_name_is_refused(name, tmp_path):
    with pytest.raises(InputError, match="preset name"):
        save_preset(name, Preset(), tmp_path / "presets")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_preset_names_those_there_are(tmp_path):
    save_preset("here", Preset(), tmp_path)
    with pytest.raises(MissingError, match="saved presets: here"):
        load_preset("gone", tmp_path)


def test_the_folder_may_be_chosen_by_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("GHOSTNOTE_HOME", str(tmp_path))
    assert presets_dir() == tmp_path / "presets"
    assert list_presets().names == ()
