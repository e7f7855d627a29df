import pytest
from hypothesis import given
from hypothesis import strategies as st

from drummers.common.styles import STYLES
from drummers.groovegen.prompt import FASTEST, MOST_BARS, SLOWEST, USUAL_BPM, GrooveRequest, parse
from ghostnote.errors import InputError
from ghostnote.music.articulations import LANE_OF_NAME, N_LANES, lanes_of_piece


def test_the_example_of_the_help_is_understood_wholly():
    request = parse("brushed jazz 140 bpm, sparse, 8 bars with a fill")
    assert (request.styles, request.bpm, request.bars, request.fill) == ({"jazz": 1.0}, 140, 8, True)
    assert request.density < 0
    assert request.intensity < 0


def test_two_styles_and_a_share_lie_between():
    request = parse("between rock and latin 60% 120")
    assert request.styles == {"rock": pytest.approx(0.4), "latin": pytest.approx(0.6)}
    assert request.bpm == 120


@pytest.mark.parametrize("style", STYLES)
def test_every_style_is_a_prompt_of_its_own_with_its_usual_tempo(style):
    request = parse(style)
    assert (request.styles, request.bpm, request.meter) == ({style: 1.0}, USUAL_BPM[style], (4, 4))
    assert request.density is request.intensity is request.swing is None


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("waltz jazz", "meter", (3, 4)),
        ("afrocuban 6/8", "meter", (6, 8)),
        ("hiphop swing 60%", "swing", 0.6),
        ("hiphop swing 16ths 58%", "swing_note", 16),
        ("blues shuffle", "swing", 0.66),
        ("straight jazz", "swing", 0.5),
        ("reggae four bars", "bars", 4),
        ("funk 12 bars", "bars", 12),
        ("rock 98.5", "bpm", 98.5),
        ("funk no fill", "fill", False),
    ],
)
def test_a_word_sets_its_field(text, field, value):
    assert getattr(parse(text), field) == value


def test_pieces_are_left_out_or_alone():
    assert parse("punk no crash and toms, no ride").without == {
        lane
        for piece in ("crash_1", "crash_2", "tom_high", "tom_mid", "tom_low", "ride")
        for lane in lanes_of_piece(piece)
    }
    kept = {*lanes_of_piece("kick"), *lanes_of_piece("snare")}
    assert parse("funk only kick and snare").without == set(range(N_LANES)) - kept
    assert parse("rock without open hats").without == {LANE_OF_NAME["hat_open_bow"], LANE_OF_NAME["hat_open_edge"]}


def test_more_of_a_word_turns_the_knob_further():
    assert parse("slightly busy rock").density < parse("busy rock").density < parse("very busy rock").density <= 1


def test_a_near_miss_is_taken_and_named_and_an_unknown_word_is_refused_with_the_nearest():
    request = parse("latni 100 bpm")
    assert request.styles == {"latin": 1.0}
    assert "'latni' understood as 'latin'" in request.remarks
    with pytest.raises(InputError, match=r"'fnk' is not understood; nearest: funk"):
        parse("fnk 100 bpm")


def test_every_unknown_word_is_named_with_its_nearest():
    with pytest.raises(InputError, match=r"'fnk' is .* nearest: funk.*; 'bbm' is .* nearest: bpm") as caught:
        parse("fnk 100 bbm")
    assert "\n" not in str(caught.value)


def test_a_style_played_as_another_is_said():
    request = parse("bossa nova")
    assert request.styles == {"latin": 1.0}
    assert any("latin" in remark for remark in request.remarks)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("funk 5/4", "meter 5/4"),
        ("funk 900 bpm", "tempo 900"),
        ("funk 0 bars", "length 0"),
        ("funk 4.5 bars", "whole number"),
        ("funk 60%", "two styles"),
        ("funk 100 bpm 120", "two values of tempo, 100 bpm and 120 bpm"),
        ("waltz 6/8 jazz", "two values of meter, 3/4 and 6/8"),
        ("funk 4 bars, 8 bars", "two values of length, 4 bars and 8 bars"),
        ("funk jazz rock", "3 styles"),
        ("rock no banana", "'banana'"),
        ("rock no kick", None),
        ("rock no", "after 'no'"),
        ("funk; rm §", "'§'"),
        ("hiphop swing 90%", "swing 90"),
    ],
)
def test_what_cannot_be_played_is_refused_in_one_line(text, message):
    if message is None:
        assert parse(text).without == set(lanes_of_piece("kick"))
        return
    with pytest.raises(InputError, match=message) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_a_request_in_range_or_an_input_error(text):
    try:
        request = parse(text)
    except InputError:
        return
    assert isinstance(request, GrooveRequest)
    assert SLOWEST <= request.bpm <= FASTEST
    assert 1 <= request.bars <= MOST_BARS
    assert sum(request.styles.values()) == pytest.approx(1)
