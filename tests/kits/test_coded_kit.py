"""Kit files: what is written reads back; whatever is wrong is one InputError; where kits are found."""

import io
import shutil
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostnote.errors import GhostnoteError, InputError, MissingError
from kits import store
from kits.coded_kit import SUFFIX, read_facts, read_kit, write_kit
from tests.support.paths import TINY

ALPHA = TINY / "kits" / f"alpha{SUFFIX}"


@pytest.fixture
def kit():
    return read_kit(ALPHA)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("GHOSTNOTE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(store, "KITS_DIR", TINY / "kits")
    return tmp_path / "home"


def test_a_written_kit_reads_back_the_same(kit, tmp_path):
    write_kit(kit, tmp_path / f"copy{SUFFIX}")
    again = read_kit(tmp_path / f"copy{SUFFIX}")
    assert again.facts == kit.facts
    for name in ("layers", "strokes", "frames", "modes"):
        assert np.array_equal(getattr(again, name), getattr(kit, name))
    write_kit(kit, tmp_path / f"again{SUFFIX}")
    assert (tmp_path / f"again{SUFFIX}").read_bytes() == (tmp_path / f"copy{SUFFIX}").read_bytes()


def test_a_stroke_has_a_frame_more_than_hops(kit):
    assert len(kit.codes(3)) == kit.strokes[3]["hops"] + 1
    assert kit.mode_codes(3).shape == (3, 6)
    assert kit.lengths[0] == kit.strokes[0]["length"]


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(tmp_path, **changes):
    """The kit with some members replaced (None: left out)."""
    path = tmp_path / f"changed{SUFFIX}"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (members(ALPHA) | changes).items():
            if content is not None:
                archive.writestr(name, content)
    return path


def array(value):
    data = io.BytesIO()
    np.lib.format.write_array(data, value, allow_pickle=False)
    return data.getvalue()


def changed(kit, name, **columns):
    table = getattr(kit, name).copy()
    for column, value in columns.items():
        table[column][0] = value
    return {f"{name}.npy": array(table)}


@pytest.mark.parametrize(
    ("name", "columns", "message"),
    [
        ("layers", {"velocity_low": 5}, "do not cover the velocities"),
        ("layers", {"reference_velocity": 200}, "reference velocities"),
        ("layers", {"loudness_db": float("nan")}, "loudness is out of range"),
        ("layers", {"n_strokes": 10_000}, "strokes that are absent"),
        ("strokes", {"hops": 10_000_000}, "outside the codes"),
        ("strokes", {"length": 0}, "outside the codes"),
        ("strokes", {"first_mode": -1}, "outside the codes"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(kit, tmp_path, name, columns, message):
    with pytest.raises(InputError, match=message):
        read_kit(rewritten(tmp_path, **changed(kit, name, **columns)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kit.toml": None}, "kit.toml"),
        ({"frames.npy": None}, "frames.npy"),
        ({"kit.toml": b"format = 2"}, "format 2, this program reads format 1"),
        ({"kit.toml": b"format = 1\nname = 'x'"}, "is missing"),
        ({"frames.npy": array(np.zeros((3, 5), np.uint16))}, "frames are of another type"),
        ({"frames.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '|O'}"}, "kit file|damaged"),
    ],
)
def test_a_member_that_is_wrong_is_named(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        read_kit(rewritten(tmp_path, **changes))


def test_codes_out_of_range_are_refused(kit, tmp_path):
    frames = kit.frames.copy()
    frames[7, 3] = 1024
    with pytest.raises(InputError, match="code is above 1023"):
        read_kit(rewritten(tmp_path, **{"frames.npy": array(frames)}))


@given(st.data())
def test_any_damage_is_a_kit_or_a_clear_error(tmp_path_factory, data):
    raw = bytearray(ALPHA.read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    if data.draw(st.booleans()):
        del raw[at:]
    else:
        raw[at : at + data.draw(st.integers(0, 60))] = data.draw(st.binary(max_size=60))
    path = tmp_path_factory.mktemp("damaged") / f"x{SUFFIX}"
    path.write_bytes(raw)
    try:
        read_kit(path)
    except GhostnoteError as error:
        assert "\n" not in str(error) and str(path) in str(error)


def test_no_file_and_no_regular_file_are_told_apart(tmp_path):
    with pytest.raises(MissingError, match="no kit file"):
        read_facts(tmp_path / "none")
    with pytest.raises(InputError, match="no regular file"):
        read_facts(tmp_path)


def test_the_user_s_kits_come_after_and_before_the_shipped_ones(home, kit):
    assert list(store.kit_files()) == ["alpha", "beta", "gamma"]
    mine = store.new_kit_path("mine")
    shutil.copy(ALPHA, mine)
    assert list(store.kit_files()) == ["alpha", "beta", "gamma", "mine"]
    with pytest.raises(InputError, match="there is a kit 'alpha' already"):
        store.new_kit_path("alpha")
    shutil.copy(ALPHA, store.new_kit_path("alpha", overwrite=True))
    assert store.kit_files()["alpha"].parent == store.user_kits_dir()
    assert store.remove_kit("mine") == mine
    with pytest.raises(InputError, match="ships with Ghostnote"):
        store.remove_kit("beta")
    with pytest.raises(MissingError, match="did you mean gamma"):
        store.remove_kit("gama")


def test_kits_for_another_codec_are_named_and_not_played(home, kit):
    found, faults = store.list_kits("0123456789ab")
    assert not found and len(faults) == 3 and "another codec" in faults[ALPHA.name]
    with pytest.raises(MissingError, match="no kits for this bundle"):
        store.playable("0123456789ab")
    assert list(store.playable(kit.facts.codec)) == ["alpha", "beta", "gamma"]
