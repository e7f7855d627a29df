"""MIDI maps: what ships fits the table of articulations; a wrong file is named with its key."""

import numpy as np
import pytest

from ghostnote.errors import InputError, MissingError
from ghostnote.files.midi_map import load_map, map_names, parse_map
from ghostnote.music.articulations import ARTICULATIONS, LANE_OF_NAME

NOTES = {"36": "kick", "42": "hat_closed_bow"}


def lane(name):
    return LANE_OF_NAME[name]


def test_the_shipped_maps_are_listed():
    assert {"td17", "gm", "ezdrummer"} <= set(map_names())


@pytest.mark.parametrize("name", map_names())
def test_every_shipped_map_can_write_all_articulations_on_the_right_piece(name):
    loaded = load_map(name)
    assert sorted(loaded.note_of_lane) == list(range(len(ARTICULATIONS)))
    for written, note in loaded.note_of_lane.items():
        assert ARTICULATIONS[loaded.lane_of_note[note]].piece == ARTICULATIONS[written].piece


def test_td17_is_the_table_of_articulations():
    assert load_map("td17").lane_of_note == {one.note: lane for lane, one in enumerate(ARTICULATIONS)}


def test_td17_polarity_is_high_for_closed():
    td17 = load_map("td17")
    assert [td17.openness(value) for value in (0, 45, 90, 127)] == [1.0, 0.5, 0.0, 0.0]


def test_the_other_polarity_is_the_order_of_open_and_closed():
    reverse = parse_map({"notes": NOTES, "openness": {"controller": 4, "open": 127, "closed": 0}}, "m", "m")
    assert (reverse.openness(0), reverse.openness(127)) == (0.0, 1.0)
    assert reverse.controller_value(1.0) == 127


@pytest.mark.parametrize("name", map_names())
def test_every_controller_value_between_open_and_closed_survives_the_way_to_openness_and_back(name):
    loaded = load_map(name)
    values = range(min(loaded.open_value, loaded.closed_value), max(loaded.open_value, loaded.closed_value) + 1)
    assert [loaded.controller_value(loaded.openness(value)) for value in values] == list(values)


def test_gm_knows_groovaes_inference_notes_by_piece():
    gm = load_map("gm")
    pieces = {
        "kick": [36, 35],
        "snare": [38, 27, 28, 31, 32, 33, 34, 37, 39, 40, 56, 65, 66, 75, 85],
        "hat": [42, 44, 54, 68, 69, 70, 71, 73, 78, 80, 22, 46, 67, 72, 74, 79, 81, 26],
        "tom_low": [29, 41, 43, 61, 64, 84],
        "tom_mid": [45, 47, 60, 63, 77, 86, 87],
        "tom_high": [48, 50, 30, 62, 76, 83],
        "ride": [51, 53, 59, 82],
    }
    for piece, notes in pieces.items():
        assert {ARTICULATIONS[gm.lane_of_note[note]].piece for note in notes} == {piece}
    assert all(ARTICULATIONS[gm.lane_of_note[note]].piece.startswith("crash") for note in (49, 52, 55, 57, 58))


@pytest.mark.parametrize("curve", [{"gamma": 0.5}, {"gamma": 3}, {"points": [[1, 0.1], [64, 0.2], [127, 1]]}])
def test_midi_velocity_inverts_every_velocity_curve(curve):
    loaded = parse_map({"notes": NOTES, "velocity": curve}, "m", "m")
    assert [loaded.midi_velocity(v) for v in loaded.velocity[1:]] == list(range(1, 128))
    assert loaded.velocity[0] == 0 and loaded.velocity[127] == pytest.approx(1)


def test_points_bend_the_velocity():
    curve = parse_map({"notes": NOTES, "velocity": {"points": [[1, 0.1], [101, 0.5], [127, 1]]}}, "m", "m").velocity
    np.testing.assert_allclose(curve[[1, 51, 101, 127]], [0.1, 0.3, 0.5, 1], rtol=1e-6)


def test_a_user_map_is_read_from_its_path(tmp_path):
    path = tmp_path / "pads.toml"
    path.write_text('channel = 3\n[notes]\n60 = "kick"\n61 = "kick"\n[write]\nsnare = 62\n')
    loaded = load_map(path)
    assert (loaded.name, loaded.channel, loaded.controller, loaded.choke_threshold) == ("pads", 3, None, None)
    assert loaded.lane_of_note == {60: lane("kick"), 61: lane("kick")}
    assert loaded.note_of_lane == {lane("kick"): 60, lane("snare"): 62}


def test_a_missing_map_is_answered_with_the_names_that_ship():
    with pytest.raises(MissingError, match="td17"):
        load_map("no_such_map")


@pytest.mark.parametrize("text", [b"notes = ", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_named(tmp_path, text):
    (tmp_path / "bad.toml").write_bytes(text)
    with pytest.raises(InputError, match=r"bad\.toml"):
        load_map(tmp_path / "bad.toml")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"notes": {}}, r"\[notes\]"),
        ({"notes": {"128": "kick"}}, "128"),
        ({"notes": {"x": "kick"}}, "0..127"),
        ({"notes": {"36": "cow"}}, "'cow'"),
        ({"notes": {"36": "kick", "036": "snare"}}, "once"),
        ({"notes": 3}, "table"),
        ({"color": 1}, "'color'"),
        ({"description": 1}, "description"),
        ({"channel": 0}, "1..16"),
        ({"channel": True}, "1..16"),
        ({"write": {"snare": 200}}, "write.snare"),
        ({"velocity": {"gamma": 0}}, "gamma"),
        ({"velocity": {"gamma": 1, "points": [[1, 0], [127, 1]]}}, "either"),
        ({"velocity": {"curve": 1}}, "'curve'"),
        ({"velocity": {"points": [[1, 0.5]]}}, "two pairs"),
        ({"velocity": {"points": [[2, 0.5], [127, 1]]}}, "1 to 127"),
        ({"velocity": {"points": [[1, 0.5], [127, 0.5]]}}, "rises"),
        ({"velocity": {"points": [[1, 0], [127, 1]]}}, "rises"),
        ({"openness": {"controller": 4, "open": 5}}, "openness.closed"),
        ({"openness": {"controller": 4, "open": 5, "closed": 5}}, "another"),
        ({"openness": {"controller": 120, "open": 0, "closed": 5}}, "0..119"),
        ({"openness": {"notes": {"kick": 1.0}}}, "hat_closed_bow"),
        ({"openness": {"notes": {"hat_pedal": 2}}}, "0..1"),
        ({"choke": {"aftertouch": 0}}, "choke.aftertouch"),
        ({"choke": {"touch": 1}}, "'touch'"),
    ],
)
def test_what_does_not_fit_is_named_with_its_file(change, words):
    with pytest.raises(InputError, match=words) as caught:
        parse_map({"notes": NOTES} | change, "m", "mine.toml")
    assert "mine.toml" in str(caught.value) and "\n" not in str(caught.value)
