"""The renderer on the tiny bundle: live is file, exact beginnings, kits, pieces, levels, chokes, crowds, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.decoder import MOST_ROWS
from ghostnote.errors import InputError
from ghostnote.files.preset import PieceSound
from ghostnote.music.articulations import LANE_OF_NAME, N_LANES, PIECE_OF_LANE, PIECES
from ghostnote.music.grid import HopEvents, HopHit
from server.render.bundle import load_renderer
from tests.support.paths import TINY

SNARE, KICK, CRASH = (LANE_OF_NAME[name] for name in ("snare", "kick", "crash_1"))
OPEN, CLOSED = LANE_OF_NAME["hat_open_bow"], LANE_OF_NAME["hat_closed_bow"]
HOP = 256


@pytest.fixture(scope="module")
def loaded():
    return load_renderer(TINY)


@pytest.fixture
def renderer(loaded):
    loaded.set_kit({"alpha": 1.0})
    loaded.set_pieces({})
    loaded.set_levels({}, {})
    loaded.reset()
    return loaded


def hops(count, *hits, chokes=(), openness=0.0):
    """hits: (hop, lane, offset, velocity)."""
    return [
        HopEvents(
            tuple(HopHit(lane, offset, velocity) for hop, lane, offset, velocity in hits if hop == n),
            tuple(lane for hop, lane in chokes if hop == n),
            openness,
        )
        for n in range(count)
    ]


def in_calls(renderer, events, size):
    return np.concatenate([renderer.render(events[n : n + size]) for n in range(0, len(events), size)])


def level(sound):
    return float(np.sqrt(np.mean(sound**2)))


hit_rows = st.tuples(st.integers(0, 39), st.integers(0, N_LANES - 1), st.integers(0, HOP - 1), st.floats(0.01, 1))


@settings(max_examples=25)
@given(rows=st.lists(hit_rows, max_size=12), size=st.sampled_from([2, 3, 7, 16, 60]), grabbed=st.integers(0, 39))
def test_live_is_file_whatever_the_calls(loaded, rows, size, grabbed):
    events = hops(60, *rows, chokes=[(grabbed, CRASH)])
    loaded.reset()
    live = in_calls(loaded, events, 1)
    loaded.reset()
    assert np.abs(in_calls(loaded, events, size) - live).max() <= 1e-4 * max(1.0, np.abs(live).max())


@pytest.mark.parametrize("offset", [0, 1, 100, 255])
def test_a_stroke_begins_at_its_frame_and_is_the_same_from_there(renderer, offset):
    sound = renderer.render(hops(30, (2, SNARE, offset, 0.9)))
    begin = 2 * HOP + offset
    assert not sound[:begin].any() and sound[begin : begin + 64].any()
    renderer.reset()
    first = renderer.render(hops(30, (0, SNARE, 0, 0.9)))
    assert sound[begin:] == pytest.approx(first[: len(sound) - begin], abs=1e-5)


def test_silence_is_exact_and_costs_no_rows(renderer):
    assert not renderer.render(hops(20)).any()
    assert renderer.figures() == {"voices": 0}
    renderer.render(hops(120, (0, KICK, 0, 1.0)))
    assert renderer.figures() == {"voices": 0}
    assert not renderer.render(hops(5)).any()


def test_louder_hits_are_louder(renderer):
    levels = []
    for velocity in np.linspace(0.05, 1, 12):
        renderer.reset()
        levels.append(level(renderer.render(hops(40, (0, SNARE, 0, float(velocity))))))
    assert np.all(np.diff(levels[:6]) > 0) and np.all(np.diff(levels[6:]) > 0)  # within a layer


def test_equal_strokes_differ_and_the_seed_decides(renderer):
    strokes = [renderer.render(hops(100, (0, SNARE, 0, 0.9))) for _ in range(2)]
    assert level(strokes[0] - strokes[1]) > 0.1 * level(strokes[0])
    renderer.reset()
    assert np.array_equal(renderer.render(hops(100, (0, SNARE, 0, 0.9))), strokes[0])
    other = load_renderer(TINY, seed=3)
    assert level(other.render(hops(100, (0, SNARE, 0, 0.9))) - strokes[0]) > 0.01 * level(strokes[0])


def test_pieces_add_up_to_the_mix_with_their_levels(renderer):
    events = hops(40, (0, KICK, 3, 1.0), (1, SNARE, 200, 0.7), (2, CRASH, 0, 0.9))
    renderer.set_levels({"snare": -6.0, "kick": -np.inf}, {"crash_1": 1.0})
    renderer.reset()
    mix = renderer.render(events)
    renderer.reset()
    pieces = renderer.render_pieces(events)
    assert mix == pytest.approx((pieces * renderer.gains[:, None]).sum(axis=0), abs=1e-6)
    assert renderer.gains[PIECES.index("kick")].tolist() == [0, 0]
    assert renderer.gains[PIECES.index("crash_1")].tolist() == [0, 1]
    assert level(pieces[PIECES.index("ride")]) == 0


def test_a_level_change_is_a_ramp(renderer):
    renderer.render(hops(5, (0, CRASH, 0, 1.0)))
    renderer.set_levels({"crash_1": -np.inf}, {})
    after = renderer.render(hops(2))
    assert np.abs(after[:8]).max() > 0 and not after[HOP:].any()


def test_a_kit_takes_effect_with_the_next_hit(renderer):
    whole = renderer.render(hops(40, (0, SNARE, 0, 0.9)))
    renderer.reset()
    first = renderer.render(hops(10, (0, SNARE, 0, 0.9)))
    renderer.set_kit({"beta": 1.0})
    rest = renderer.render(hops(30))
    assert np.concatenate([first, rest]) == pytest.approx(whole, abs=1e-6)
    renderer.reset()
    assert level(renderer.render(hops(40, (0, SNARE, 0, 0.9))) - whole) > 0.1 * level(whole)


def test_a_morph_sounds_both_kits(renderer):
    events, parts = hops(40, (0, SNARE, 0, 0.9)), []
    for weights in ({"alpha": 1.0}, {"beta": 1.0}, {"alpha": 0.5, "beta": 0.5}):
        renderer.reset()
        renderer.set_kit(weights)
        parts.append(renderer.render_pieces(events)[PIECES.index("snare")])
        assert renderer.figures()["voices"] == len(weights)
    alpha, beta, both = (level(part) for part in parts)
    assert min(alpha, beta) * 0.8 < both < 1.2 * np.hypot(alpha, beta)


def test_a_piece_may_have_another_kit(renderer):
    events = hops(40, (0, SNARE, 0, 0.9), (0, KICK, 0, 0.9))
    whole = renderer.render_pieces(events)
    renderer.reset()
    renderer.set_pieces({"snare": PieceSound(kit="gamma")})
    mixed = renderer.render_pieces(events)
    kick, snare = PIECES.index("kick"), PIECES.index("snare")
    assert level(mixed[snare] - whole[snare]) > 0.1 * level(whole[snare])
    assert mixed[kick] == pytest.approx(whole[kick], abs=1e-6)


def test_damping_shortens_and_tone_tilts(renderer):
    events = hops(60, (0, SNARE, 0, 0.9))
    plain = renderer.render(events)
    renderer.reset()
    renderer.set_pieces({"snare": PieceSound(damp=1.0)})
    damped = renderer.render(events)
    assert damped[:16] == pytest.approx(plain[:16], rel=0.02, abs=1e-4)
    assert level(damped[30 * HOP :]) < 1e-3 * level(plain[30 * HOP :])
    slopes = []
    for tone in (-1.0, 0.0, 1.0):
        renderer.reset()
        renderer.set_pieces({"snare": PieceSound(tone=tone)})
        spectrum = np.abs(np.fft.rfft(renderer.render(events)[:, 0])) ** 2
        slopes.append(spectrum[len(spectrum) // 2 :].sum() / spectrum[: len(spectrum) // 8].sum())
    assert slopes[0] < slopes[1] < slopes[2]


@pytest.mark.parametrize("semitones", [-12.0, -3.0, 7.0, 12.0])
def test_tuning_moves_the_spectrum_and_the_length(renderer, semitones):
    events = hops(260, (0, SNARE, 0, 0.9))
    plain = renderer.render(events)
    renderer.reset()
    renderer.set_pieces({"snare": PieceSound(tune=semitones)})
    tuned = in_calls(renderer, events, 1)
    ratio = 2 ** (semitones / 12)
    last = [int(np.flatnonzero(sound.any(axis=1))[-1]) for sound in (plain, tuned)]
    assert last[1] == pytest.approx(last[0] / ratio, rel=0.01)
    renderer.reset()
    assert in_calls(renderer, events, 13) == pytest.approx(tuned, abs=1e-5)


def test_hats_choke_each_other_and_the_pedal_closes_open_ones(renderer):
    struck = renderer.render(hops(60, (0, OPEN, 0, 1.0), (20, CLOSED, 0, 0.01), openness=1.0))
    assert level(struck[30 * HOP : 60 * HOP]) < 0.05 * level(struck[: 20 * HOP])
    renderer.reset()
    opened = renderer.render(hops(20, (0, OPEN, 0, 1.0), openness=1.0))
    closed = renderer.render(hops(20, openness=0.0))
    assert opened[-HOP:].any() and closed[:64].any() and not closed[10 * HOP :].any()


def test_a_grab_silences_its_piece_only(renderer):
    sound = renderer.render_pieces(hops(40, (0, CRASH, 0, 1.0), (0, SNARE, 0, 1.0), chokes=[(10, CRASH)]))
    assert not sound[PIECES.index("crash_1"), 24 * HOP :].any()
    assert sound[PIECES.index("snare"), 24 * HOP :].any()


def test_a_crowd_ends_the_strokes_nearest_to_their_end(renderer):
    rows = [(n // 4, lane, 60 * (n % 4), 0.8) for n, lane in enumerate(list(range(N_LANES)) * 8)]
    sound = renderer.render(hops(80, *rows))
    assert np.isfinite(sound).all() and renderer.figures()["voices"] <= MOST_ROWS
    renderer.reset()
    assert in_calls(renderer, hops(80, *rows), 1) == pytest.approx(sound, abs=1e-4)


def test_learning_catches_up(renderer):
    events = hops(60, (0, CRASH, 7, 1.0), (5, SNARE, 100, 0.8))
    whole = renderer.render(events)
    renderer.reset()
    renderer.learn(events[:20])
    renderer.render(events[20:40])
    assert renderer.render(events[40:]) == pytest.approx(whole[40 * HOP :], abs=1e-4)


@pytest.mark.parametrize("weights", [{}, {"alpha": 0.0}, {"alpha": -1.0}, {"alpha": float("nan")}, {"nothing": 1.0}])
def test_kits_that_cannot_be_played_are_refused(renderer, weights):
    with pytest.raises(InputError):
        renderer.set_kit(weights)


def test_an_unknown_kit_is_named_with_those_there_are(renderer):
    with pytest.raises(InputError, match=r"no kit 'alpa': did you mean alpha\?"):
        renderer.set_kit({"alpa": 1.0})


@pytest.mark.parametrize(
    ("levels", "pans"), [({"snar": 0.0}, {}), ({"snare": 25.0}, {}), ({"snare": float("nan")}, {}), ({}, {"hat": 1.1})]
)
def test_levels_out_of_range_are_refused(renderer, levels, pans):
    with pytest.raises(InputError):
        renderer.set_levels(levels, pans)


def test_every_lane_sounds_on_its_piece(renderer):
    for lane in range(N_LANES):
        renderer.reset()
        pieces = renderer.render_pieces(hops(4, (0, lane, 0, 1.0)))
        sounding = [n for n, sound in enumerate(pieces) if sound.any()]
        assert sounding == [PIECE_OF_LANE[lane]]
