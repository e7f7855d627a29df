"""Mixing: sample-accurate starts, the velocity law, round robins, chokes, and windows that are slices of the whole."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostnote.errors import InputError
from ghostnote.music.articulations import HAT_LANES, LANE_OF_NAME, N_LANES, PIECES, lanes_of_piece
from ghostnote.music.performance import CHOKE, OPENNESS, Performance, make_hits
from kits.striker import CLOSED_OPENNESS, GRAB_FADE_S, PEDAL_FADE_S, ROUND_ROBIN_CYCLE, TAKEOVER_FADE_S, Striker
from sampler.mix import mix, mix_voices, stems, voices

RATE = 48000
KICK, SNARE, CLOSED, OPEN, PEDAL, CRASH = (
    LANE_OF_NAME[name] for name in ("kick", "snare", "hat_closed_bow", "hat_open_bow", "hat_pedal", "crash_1")
)


def play(*rows: tuple[float, int, float], openness=(), chokes=(), duration=0.0) -> Performance:
    return Performance(
        make_hits(list(rows)),
        openness=np.array(list(openness), OPENNESS),
        chokes=np.array(list(chokes), CHOKE),
        duration=duration,
    )


@st.composite
def performances(draw) -> Performance:
    times = st.floats(0, 3)
    rows = draw(st.lists(st.tuples(times, st.integers(0, N_LANES - 1), st.integers(1, 127)), max_size=40))
    curve = draw(st.lists(st.tuples(times, st.sampled_from([0.0, 0.05, 0.3, 1.0])), max_size=10))
    grabs = draw(st.lists(st.tuples(times, st.integers(0, N_LANES - 1)), max_size=4))
    return play(*[(t, lane, v / 127) for t, lane, v in rows], openness=sorted(curve), chokes=sorted(grabs))


# --- where and how loud


@pytest.mark.parametrize("time", [0.0, 0.1, 1 / 3, 1.00001, 0.4999999])
def test_a_hit_starts_on_its_frame(kit, time):
    out = mix(kit, play((time, SNARE, 1.0)))
    (voice,) = voices(kit, play((time, SNARE, 1.0)))
    frame = round(time * RATE)
    sample = kit.samples[voice.stroke]
    assert not out[:frame].any()
    assert np.array_equal(out[frame:], sample)
    assert len(out) == frame + len(sample)


def test_at_the_reference_velocity_a_sample_keeps_its_level(kit):
    played = voices(kit, play(*[(n, KICK, v / 127) for n, v in enumerate((30, 80, 120))]))
    assert [voice.gain for voice in played] == pytest.approx([1, 1, 1], abs=1e-4)


def test_between_references_loudness_is_linear_in_db(kit):
    velocities = np.array([30, 35, 40, 41, 55, 80, 90, 91, 100, 120])
    played = voices(kit, play(*[(n, KICK, v / 127) for n, v in enumerate(velocities)]))
    layer = np.searchsorted(kit.layers["first_stroke"], [voice.stroke for voice in played], side="right") - 1
    loudness = 20 * np.log10([voice.gain for voice in played]) + kit.layers["loudness_db"][layer]
    wanted = np.interp(velocities, [30, 80, 120], [-40, -26, -16])
    assert loudness == pytest.approx(wanted, abs=1e-3)
    assert (layer - layer.min()).tolist() == [0, 0, 0, 1, 1, 1, 1, 2, 2, 2]


def test_above_the_last_reference_loudness_stays(kit):
    played = voices(kit, play((0, KICK, 1.0)))
    assert played[0].gain == pytest.approx(1, abs=1e-4)


def test_below_the_first_reference_the_square_law_holds(kit):
    quiet = voices(kit, play((0, KICK, 15 / 127), (1, SNARE, 0.25), (2, SNARE, 0.001)))
    assert [voice.gain for voice in quiet] == pytest.approx([0.25, 0.0625, 1e-6], rel=1e-4)


def test_fallback_gain_is_applied(toy):
    toy.entry("tom_high")["gain_db"] = -6.0
    (voice,) = voices(toy.load(), play((0, LANE_OF_NAME["tom_high"], 1.0)))
    assert voice.gain == pytest.approx(10 ** (-6 / 20), rel=1e-5)


@pytest.mark.parametrize(("lane", "velocity"), [(22, 0.5), (-1, 0.5), (0, 0.0), (0, 1.01), (0, float("nan"))])
def test_hits_out_of_range_are_refused(kit, lane, velocity):
    with pytest.raises(InputError, match="velocities above 0"):
        mix(kit, play((0.0, lane, velocity)))


def test_nothing_played_is_silence_of_the_duration(kit):
    assert np.array_equal(mix(kit, play(duration=0.5)), np.zeros((24000, 2), np.float32))
    assert mix(kit, play()).shape == (0, 2)


def test_the_mix_lasts_until_the_last_tail_or_the_end(kit):
    assert len(mix(kit, play((1.0, CRASH, 1.0), duration=1.1))) == round(2.2 * RATE)
    assert len(mix(kit, play((1.0, CRASH, 1.0), duration=9.0))) == 9 * RATE


# --- windows, lanes, stems


@settings(max_examples=30, deadline=None)
@given(performances(), st.integers(-2000, 4 * RATE), st.integers(0, 30000), st.integers(0, 3))
def test_a_window_is_the_slice_of_the_whole(kit, performance, first, frames, seed):
    played = voices(kit, performance, seed=seed)
    whole = mix_voices(kit, played, -2000, 8 * RATE)
    window = mix(kit, performance, seed=seed, start=first / RATE, frames=frames)
    assert np.array_equal(window, whole[first + 2000 : first + 2000 + frames])


@settings(max_examples=20, deadline=None)
@given(performances())
def test_stems_add_up_to_the_mix(kit, performance):
    parts = stems(kit, performance, seed=2)
    assert tuple(parts) == PIECES
    np.testing.assert_allclose(sum(parts.values()), mix(kit, performance, seed=2), atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(performances())
def test_a_stem_is_the_mix_of_its_lanes(kit, performance):
    for piece, stem in stems(kit, performance, start=0.5, frames=9000).items():
        alone = mix(kit, performance, start=0.5, frames=9000, lanes=lanes_of_piece(piece))
        assert np.array_equal(stem, alone)


def test_forgotten_voices_are_those_that_have_ended(kit):
    striker = Striker(kit)
    for frame, lane in ((0, SNARE), (4800, SNARE), (9600, KICK), (144000, CRASH)):
        striker.strike(frame, lane, 1.0)
    ended = striker.forget(2 * RATE)
    assert all(voice.end <= 2 * RATE for voice in ended)
    assert [voice.start for voice in striker.ringing] == [144000]


# --- round robins


def test_the_same_seed_gives_the_same_mix_and_another_seed_another(kit):
    performance = play(*[(n / 4, SNARE, 0.8) for n in range(12)])
    assert np.array_equal(mix(kit, performance, seed=1), mix(kit, performance, seed=1))
    assert not np.array_equal(mix(kit, performance, seed=1), mix(kit, performance, seed=2))


@pytest.mark.parametrize("seed", range(4))
def test_no_recording_comes_twice_in_a_row_where_there_is_a_choice(kit, seed):
    hits = 3 * ROUND_ROBIN_CYCLE
    rng = np.random.default_rng(seed)
    rows = [(float(n), KICK, float(v) / 127) for n, v in enumerate(rng.integers(1, 128, hits))]
    played = voices(kit, play(*rows), seed=seed)
    for index in np.flatnonzero(kit.layers["lane"] == KICK):
        strokes = range(
            kit.layers["first_stroke"][index], kit.layers["first_stroke"][index] + kit.layers["n_strokes"][index]
        )
        samples = np.array([voice.stroke for voice in played if voice.stroke in strokes])
        first, count = kit.layers["first_stroke"][index], kit.layers["n_strokes"][index]
        assert np.bincount(samples - first).min() > 0.6 * len(samples) / count
        assert count == 1 or np.diff(samples).all()


def test_recordings_do_not_depend_on_what_other_lanes_play(kit):
    alone = [(n / 4, SNARE, 0.7) for n in range(20)]
    busy = alone + [(n / 7, KICK, 0.9) for n in range(40)]
    played = voices(kit, play(*busy), seed=3)
    assert [v.stroke for v in played if v.lane == SNARE] == [v.stroke for v in voices(kit, play(*alone), seed=3)]


# --- chokes


def last_sound(audio: np.ndarray) -> int:
    return int(np.flatnonzero(audio.any(axis=1))[-1])


@pytest.mark.parametrize("lane", HAT_LANES)
def test_any_hat_stroke_silences_the_open_hat_before_it(kit, lane):
    performance = play((0.0, OPEN, 1.0), (0.5, lane, 0.5))
    first, second = voices(kit, performance)
    ringing = mix_voices(kit, voices(kit, performance)[:1], 0, 2 * RATE)
    free = mix(kit, play((0.0, OPEN, 1.0)), frames=2 * RATE)
    end = round((0.5 + TAKEOVER_FADE_S) * RATE)
    assert np.array_equal(ringing[:24000], free[:24000])
    assert last_sound(ringing) == end - 1
    assert np.all(np.abs(ringing) <= np.abs(free))
    assert second.end == second.start + len(kit.samples[second.stroke])
    assert first.end == end


def test_a_fade_has_no_step(toy):
    toy.files["toy/samples/crash_1_v0_r0.wav"] = constant(RATE)
    ringing = mix(toy.load(), play((0.0, CRASH, 1.0), chokes=[(0.5, CRASH)]), frames=RATE)[:, 0]
    fade = ringing[24000 - 1 : 24000 + round(GRAB_FADE_S * RATE) + 1]
    assert fade[0] == pytest.approx(0.5)
    assert fade[-1] == 0
    assert np.all(np.diff(fade) <= 0)
    assert np.abs(np.diff(fade)).max() < 0.002


def constant(frames: int) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.full(frames, 0.5), RATE, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


def test_the_closing_pedal_silences_an_open_hat_at_that_moment(kit):
    curve = [(0.0, 1.0), (0.3, CLOSED_OPENNESS + 0.01), (0.6, CLOSED_OPENNESS - 0.01), (0.7, 0.0)]
    out = mix(kit, play((0.0, OPEN, 1.0), openness=curve), frames=2 * RATE)
    free = mix(kit, play((0.0, OPEN, 1.0)), frames=2 * RATE)
    assert np.array_equal(out[: round(0.6 * RATE)], free[: round(0.6 * RATE)])
    assert last_sound(out) == round((0.6 + PEDAL_FADE_S) * RATE) - 1


@pytest.mark.parametrize(
    "curve",
    [
        [],
        [(0.0, 1.0), (0.2, 0.2), (0.4, 1.0)],  # never closed
        [(0.0, 0.0), (0.3, 0.05), (0.6, 0.0)],  # never open, though the stroke says so
        [(0.0, 1.0), (0.1, 0.0), (0.4, 1.0)],  # closed before the stroke
    ],
)
def test_without_a_closing_after_the_stroke_the_open_hat_rings_on(kit, curve):
    (voice,) = voices(kit, play((0.2, OPEN, 1.0), openness=curve))
    assert voice.end == voice.stop == voice.start + len(kit.samples[voice.stroke])


def test_the_pedal_curve_touches_open_hats_only(kit):
    curve = [(0.0, 1.0), (0.05, 0.0)]
    played = voices(kit, play((0.0, CRASH, 1.0), (0.0, CLOSED, 1.0), openness=curve))
    assert all(voice.end == voice.start + kit.lengths[voice.stroke] for voice in played)


def test_a_grab_silences_the_whole_piece_and_nothing_else(kit):
    edge, ride = LANE_OF_NAME["crash_1_edge"], LANE_OF_NAME["ride_bow"]
    rows = [(0.0, CRASH, 1.0), (0.1, edge, 1.0), (0.1, ride, 1.0), (0.3, CRASH, 1.0)]
    played = voices(kit, play(*rows, chokes=[(0.2, edge)]))
    end = round((0.2 + GRAB_FADE_S) * RATE)
    natural = [voice.start + kit.lengths[voice.stroke] for voice in played]
    assert [voice.end for voice in played] == [end, end, *natural[2:]]


def test_the_first_of_several_chokes_counts(kit):
    curve = [(0.0, 1.0), (0.4, 0.0)]
    (first, _) = voices(kit, play((0.0, OPEN, 1.0), (0.5, CLOSED, 1.0), openness=curve, chokes=[(0.45, OPEN)]))
    assert (first.stop, first.end) == (round(0.4 * RATE), round((0.4 + PEDAL_FADE_S) * RATE))


def test_a_choke_after_the_natural_end_changes_nothing(kit):
    (voice,) = voices(kit, play((0.0, CRASH, 1.0), chokes=[(1.5, CRASH)]))
    assert voice.stop == voice.end == len(kit.samples[voice.stroke])


def test_a_choke_near_the_natural_end_never_lengthens_a_voice(kit):
    length = 1.2 * RATE
    performance = play((0.0, CRASH, 1.0), chokes=[((length - 100) / RATE, CRASH)])
    out, free = mix(kit, performance), mix(kit, play((0.0, CRASH, 1.0)))
    assert len(out) == len(free)
    assert np.all(np.abs(out) <= np.abs(free))


def test_kits_without_choke_groups_let_hats_ring(toy):
    del toy.table["choke_groups"]
    kit = toy.load()
    played = voices(kit, play((0.0, OPEN, 1.0), (0.1, CLOSED, 1.0), (0.2, PEDAL, 1.0)))
    assert all(voice.end == voice.start + kit.lengths[voice.stroke] for voice in played)
