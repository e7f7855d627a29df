"""Groove files: what the signs mean, swing and push, strict errors, the grooves that ship."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostnote.errors import InputError, MissingError
from ghostnote.files.groove import VELOCITY_OF_SIGN, read_groove_file
from ghostnote.music.articulations import ARTICULATIONS, LANE_OF_NAME
from tests.support.paths import ROOT

SHIPPED = sorted((ROOT / "presets" / "grooves").glob("*.toml"))


@pytest.fixture
def read(tmp_path):
    """Reads a groove of one bar from its rows and the keys that come before and after."""

    def reader(rows, head="bpm = 60", feel=""):
        path = tmp_path / "groove.toml"
        path.write_text(f'{head}\norder = ["A"]\n[feel]\n{feel}\n[bars.A]\n{rows}\n')
        return read_groove_file(path)

    return reader


def test_signs_are_velocities_on_equal_steps(read):
    performance = read('kick = "X..g"\nsnare = ".... x... .... ...1"')
    lanes = [ARTICULATIONS[lane].name for lane in performance.hits["lane"]]
    assert lanes == ["kick", "snare", "kick", "snare"]
    assert performance.hits["time"] == pytest.approx([0, 1, 3, 3.75])
    assert performance.hits["velocity"] == pytest.approx([0.95, 0.6, 0.2, 0.1])
    assert performance.duration == 4


def test_a_row_of_twelve_is_triplets(read):
    assert read('ride_bow = "5.5 5.5 5.5 5.5"').hits["time"][1] == pytest.approx(2 / 3)


def test_the_meter_sets_the_bar(read):
    performance = read('kick = "x..x..|x.x.x."', head="bpm = 60\nmeter = [6, 8]")
    assert performance.hits["time"] == pytest.approx([0, 0.75, 1.5, 2, 2.5])
    assert performance.duration == 3


@pytest.mark.parametrize(("note", "row", "times"), [(16, "xxxx", [0, 0.3, 0.5, 0.8]), (8, "x.x.", [0, 0.6])])
def test_swing_moves_the_second_note_of_each_pair(read, note, row, times):
    performance = read(f'kick = "{row}............"', feel=f"swing = 0.6\nswing_note = {note}")
    assert performance.hits["time"] == pytest.approx(times)


def test_push_moves_a_piece_and_never_before_the_start(read):
    performance = read('kick = "x..."\nsnare = "xx.."\nside_stick = "..x."', feel="push_ms = { snare = -20 }")
    assert performance.hits["time"] == pytest.approx([0, 0, 0.98, 1.98])


def test_the_same_file_gives_the_same_performance(read):
    again = [read('snare = "gggggggg"', feel="loose_ms = 5\nloose_velocity = 0.1\nseed = 3") for _ in range(2)]
    assert np.array_equal(again[0].hits, again[1].hits)
    assert np.std(again[0].hits["velocity"]) > 0.01


def test_the_pedal_follows_the_strokes(read):
    performance = read('hat_closed_bow = "x..."\nhat_open_bow = ".x.."\nhat_pedal = "..x."\nkick = "xxxx"')
    assert performance.openness["time"] == pytest.approx([0, 1, 2])
    assert list(performance.openness["value"]) == [0, 1, 0]


@given(st.lists(st.text(alphabet=[*VELOCITY_OF_SIGN, "."], min_size=16, max_size=16), min_size=1, max_size=3))
def test_every_sign_is_one_hit_in_order(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("groove") / "g.toml"
    bars = "\n".join(f'{name} = "{row}"' for name, row in zip(LANE_OF_NAME, ["X" + "." * 15, *rows], strict=False))
    path.write_text(f'bpm = 90\norder = ["A", "A"]\n[feel]\nloose_ms = 20\n[bars.A]\n{bars}\n')
    performance = read_groove_file(path)
    assert len(performance.hits) == 2 * (1 + sum(sign != "." for row in rows for sign in row))
    assert np.all(np.diff(performance.hits["time"]) >= 0)
    assert performance.hits["time"][0] >= 0
    assert performance.duration >= performance.hits["time"][-1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("bpm = ", "not a TOML file"),
        ("bpm = 90", "no bars"),
        ('bpm = 90\n[bars.A]\nkick = "x..."', 'order = ["A"]'),
        ('bpm = 90\norder = ["B"]\n[bars.A]\nkick = "x..."', "order names bar 'B'; the file has A"),
        ('bpm = 90\norder = [["A"]]\n[bars.A]\nkick = "x..."', "order names bar"),
        ('order = ["A"]\n[bars.A]\nkick = "x..."', "no bpm"),
        ('bpm = 900\norder = ["A"]\n[bars.A]\nkick = "x..."', "bpm is 900; it must be a number from 20 to 400"),
        ('bpm = nan\norder = ["A"]\n[bars.A]\nkick = "x..."', "bpm is nan"),
        ('bpm = 90\norder = ["A"]\n[bars.A]\nkik = "x..."', "bar 'A': unknown key 'kik'; known: crash_1"),
        ('bpm = 90\norder = ["A"]\n[bars.A]\nkick = 4', "bar 'A': every row must be text"),
        ('bpm = 90\norder = ["A"]\n[bars.A]\nkick = "x.."', "bar 'A', kick: 3 steps"),
        ('bpm = 90\norder = ["A"]\n[bars.A]\nkick = "x.O."', "bar 'A', kick: character 'O' at step 3"),
        ('bpm = 90\norder = ["A"]\n[bars.A]\nkick = "...."', "no bar in `order` has a hit"),
        ('bpm = 90\nmeter = [4, 3]\norder = ["A"]\n[bars.A]\nkick = "x..."', "meter is [4, 3]"),
        ('bpm = 90\norder = ["A"]\nfeel = { swng = 1 }\n[bars.A]\nkick = "x..."', "[feel]: unknown key 'swng'"),
        ('bpm = 90\norder = ["A"]\nfeel = { swing = 1 }\n[bars.A]\nkick = "x..."', "swing is 1"),
        ('bpm = 90\norder = ["A"]\nfeel = { push_ms = { drum = 1 } }\n[bars.A]\nkick = "x..."', "push_ms: unknown key"),
        ('bpm = 90\norder = ["A"]\nfeel = { swing_note = 4 }\n[bars.A]\nkick = "x..."', "swing_note is 4"),
        ('bpm = 90\norder = ["A"]\nfeel = { seed = 1.5 }\n[bars.A]\nkick = "x..."', "seed is 1.5"),
    ],
)
def test_a_wrong_file_is_named_with_the_place(tmp_path, text, told):
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_groove_file(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingError, match=r"nothing\.toml"):
        read_groove_file(tmp_path / "nothing.toml")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_groove_has_four_to_eight_bars_and_a_style(path):
    performance = read_groove_file(path)
    beats, unit = performance.meter
    bars = performance.duration * performance.bpm / 60 / (beats * 4 / unit)
    assert 4 <= round(bars, 6) <= 8
    assert performance.style


def test_the_shipped_grooves_show_the_kit():
    hits = np.concatenate([read_groove_file(path).hits for path in SHIPPED])
    played = {ARTICULATIONS[lane].name for lane in hits["lane"]}
    wanted = {"kick", "snare", "side_stick", "hat_open_bow", "hat_pedal", "crash_1", "ride_bow", "ride_bell", "tom_low"}
    assert wanted <= played
    assert np.sum(hits["velocity"] < 0.25) > 20
