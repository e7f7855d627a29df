"""The renderer on the tiny bundle: live is file, passes, kits, levels, rest, and what it refuses."""

import shutil
from math import inf, nan

import numpy as np
import pytest

from ghostnote.errors import InputError
from ghostnote.music.articulations import LANE_OF_NAME, PIECES
from ghostnote.music.grid import HopEvents, HopHit
from server.render.decay import RING_SECONDS
from server.render.noise import GumbelStream
from server.render.renderer import load_renderer
from tests.support.hits import playing
from tests.support.paths import TINY


def in_blocks(renderer, events, size):
    return np.concatenate([renderer.render(events[n : n + size]) for n in range(0, len(events), size)])


def db(difference, reference):
    return 20 * np.log10(np.sqrt(np.mean(difference**2)) / np.sqrt(np.mean(reference**2)) + 1e-12)


@pytest.fixture
def renderer():
    return load_renderer(TINY)


@pytest.mark.parametrize("hops", range(1, 9))
@pytest.mark.parametrize("temperature", [None, 0.0, 1.0])
def test_live_is_file_for_any_block_of_hops(hops, temperature):
    renderer = load_renderer(TINY, temperature=temperature)
    events = playing(120)
    whole = renderer.render(events)
    renderer.reset()
    assert db(in_blocks(renderer, events, hops) - whole, whole) < -60


@pytest.mark.parametrize("hops", [1, 3, 7])
@pytest.mark.parametrize("most", [None, 3])
def test_live_is_file_with_fewer_passes_and_changes_between_blocks(hops, most):
    def play(size):
        renderer = load_renderer(TINY)
        renderer.limit_passes(most)
        parts = [in_blocks(renderer, playing(42), size)]
        renderer.set_kit({"beta": 1, "gamma": 2})
        renderer.set_levels({"kick": -6.0, "snare": 3.0}, {"ride": 0.5})
        parts.append(in_blocks(renderer, playing(42, seed=2), size))
        return np.concatenate(parts)

    whole = play(42)
    assert db(play(hops) - whole, whole) < -60


def test_the_shape_and_type_of_sound_follow_the_hops(renderer):
    assert renderer.render([]).shape == (0, 2)
    sound = renderer.render(playing(5))
    assert sound.shape == (5 * renderer.hop, 2)
    assert sound.dtype == np.float32
    assert (renderer.hop, renderer.sample_rate, renderer.channels) == (256, 48000, 2)
    assert renderer.kits == ("alpha", "beta", "gamma")


def test_reset_gives_the_same_sound_again_and_another_seed_another(renderer):
    first = renderer.render(playing(40))
    renderer.reset()
    assert np.array_equal(renderer.render(playing(40)), first)
    assert db(load_renderer(TINY, seed=1).render(playing(40)) - first, first) > -40


def test_without_temperature_the_seed_means_nothing():
    a, b = (load_renderer(TINY, seed=seed, temperature=0.0).render(playing(40)) for seed in (0, 1))
    assert np.array_equal(a, b)


def test_nothing_sounds_before_the_first_hit_and_all_is_forgotten_after_the_last(renderer):
    events = playing(60, first=20)
    first_hit = next(n for n, one in enumerate(events) if one.hits)
    sound = renderer.render(events)
    assert not sound[: first_hit * renderer.hop].any()
    assert sound[first_hit * renderer.hop :].any()
    ring = int(RING_SECONDS * renderer.sample_rate / renderer.hop) + 2
    tail = renderer.render([HopEvents()] * ring)
    rest = tail[-renderer.hop :]
    assert not rest.any()
    loud = np.abs(tail).max(axis=1)
    before_rest = loud[: np.flatnonzero(loud)[-1] + 1]
    assert before_rest[-8:].max() < 0.01 * before_rest.max()


def test_after_a_rest_it_plays_on_from_silence(renderer):
    ring = int(RING_SECONDS * renderer.sample_rate / renderer.hop) + 2
    pause, again = [HopEvents()] * ring, [HopEvents((HopHit(0, 10, 0.9),)), *[HopEvents()] * 20]
    whole = renderer.render([*playing(10), *pause, *again])
    renderer.reset()
    pieces = in_blocks(renderer, [*playing(10), *pause, *again], 5)
    assert db(pieces - whole, whole) < -60
    assert whole[-20 * renderer.hop :].any()


def test_a_change_of_kit_is_heard_at_once_without_gap_or_nan(renderer):
    events = playing(60)
    same = renderer.render(events)
    renderer.reset()
    before = renderer.render(events[:30])
    renderer.set_kit({"gamma": 1.0})
    after = renderer.render(events[30:])
    split = 30 * renderer.hop
    assert np.array_equal(before, same[:split])
    assert np.isfinite(after).all()
    assert db(after[: renderer.hop] - same[split : split + renderer.hop], same[split : split + renderer.hop]) > -40
    assert (np.abs(after).reshape(30, -1).max(axis=1) > 0).all()


def test_a_morph_lies_between_its_kits_and_weights_need_not_add_up_to_one():
    def play(kit):
        renderer = load_renderer(TINY, temperature=0.0)
        renderer.set_kit(kit)
        return renderer.render(playing(40))

    assert np.array_equal(play({"alpha": 1.0, "beta": 1.0}), play({"beta": 0.5, "alpha": 0.5}))
    assert not np.array_equal(play({"alpha": 1.0, "beta": 1.0}), play({"alpha": 1.0}))
    assert np.array_equal(play({"alpha": 1.0, "beta": 0.0}), play({"alpha": 3.0}))


def test_drummers_differ():
    def play(drummer):
        renderer = load_renderer(TINY, temperature=0.0)
        renderer.set_drummer(drummer)
        return renderer.render(playing(40))

    assert not np.array_equal(play(0), play(1))


def test_every_piece_has_a_pass_unless_there_is_no_time_for_it(renderer):
    assert renderer.groups == tuple((piece,) for piece in PIECES)
    renderer.limit_passes(5)
    assert renderer.groups == (
        ("kick",), ("snare",), ("tom_high", "tom_mid", "tom_low"), ("hat",), ("crash_1", "crash_2", "ride"),
    )  # fmt: skip
    renderer.limit_passes(None)
    assert renderer.groups == tuple((piece,) for piece in PIECES)


def test_pieces_at_rest_take_no_time_and_others_sound_as_they_would_alone(renderer):
    kick, snare = LANE_OF_NAME["kick"], LANE_OF_NAME["snare"]
    ring = int(RING_SECONDS * renderer.sample_rate / renderer.hop) + 2
    events = [HopEvents((HopHit(kick, 3, 0.8),)) if n % 40 == 7 else HopEvents() for n in range(ring + 100)]
    alone = renderer.render(events)
    renderer.reset()
    events[20] = HopEvents((HopHit(snare, 9, 0.9),))
    groups = renderer.render_groups(events)
    assert renderer._awake == [0]
    sounding = np.flatnonzero(groups[1].any(axis=1))
    assert sounding[0] // renderer.hop == 20 and sounding[-1] // renderer.hop < 20 + ring
    assert db(groups[0] * renderer.gains[0] - alone, alone) < -60


def test_one_level_for_all_pieces_scales_the_sound(renderer):
    plain = renderer.render(playing(30))
    renderer.reset()
    renderer.set_levels(dict.fromkeys(PIECES, -6.0), {})
    renderer.reset()
    quieter = renderer.render(playing(30))
    np.testing.assert_allclose(quieter, plain * 10 ** (-6 / 20), atol=1e-6)


def test_a_change_of_level_is_a_ramp_over_one_hop(renderer):
    plain = renderer.render(playing(30))
    renderer.reset()
    parts = [renderer.render(playing(30)[:10])]
    renderer.set_levels(dict.fromkeys(PIECES, -20.0), {})
    parts.append(renderer.render(playing(30)[10:]))
    sound, at = np.concatenate(parts), 10 * renderer.hop
    np.testing.assert_allclose(sound[:at], plain[:at], atol=1e-6)
    ramp = np.linspace(1, 0.1, renderer.hop, endpoint=False)[:, None]
    np.testing.assert_allclose(sound[at : at + renderer.hop], plain[at : at + renderer.hop] * ramp, atol=1e-5)
    np.testing.assert_allclose(sound[at + renderer.hop :], plain[at + renderer.hop :] * 0.1, atol=1e-5)


def test_mute_and_pan(renderer):
    renderer.set_levels(dict.fromkeys(PIECES, -inf), {})
    renderer.reset()
    assert not renderer.render(playing(20)).any()
    renderer.set_levels({}, dict.fromkeys(PIECES, 1.0))
    renderer.reset()
    sound = renderer.render(playing(20))
    assert not sound[:, 0].any()
    assert sound[:, 1].any()


def test_groups_add_up_to_what_is_rendered(renderer):
    renderer.set_levels({"kick": -4.0, "hat": 2.0}, {"hat": -0.3})
    renderer.reset()
    mix = renderer.render(playing(30))
    renderer.reset()
    groups = renderer.render_groups(playing(30))
    assert groups.shape == (len(PIECES), 30 * renderer.hop, 2)
    np.testing.assert_allclose((groups * renderer.gains[:, None]).sum(axis=0), mix, atol=1e-5)


def test_a_pass_hears_only_its_own_pieces():
    def kick_pass(events):
        return load_renderer(TINY).render_groups(events)[PIECES.index("kick")]

    kick = HopHit(LANE_OF_NAME["kick"], 5, 0.8)
    alone = [HopEvents((kick,)), *[HopEvents()] * 30]
    with_snare = list(alone)
    with_snare[12] = HopEvents((HopHit(LANE_OF_NAME["snare"], 9, 1.0),))
    assert np.array_equal(kick_pass(alone), kick_pass(with_snare))


def test_a_new_pass_never_doubles_what_rings(renderer):
    renderer.limit_passes(3)
    renderer.render(playing(20))
    before = {name: value.copy() for name, value in renderer._states["decoder"].feeds(1).items()}
    assert len(renderer._awake) == 2
    renderer.limit_passes(None)
    assert len(renderer._awake) == 2
    for name, value in renderer._states["decoder"].feeds(1).items():
        np.testing.assert_array_equal(value, before[name])
    renderer.limit_passes(2)
    assert np.isfinite(renderer.render(playing(20, seed=3))).all()


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda r: r.set_kit({"tr808": 1.0}), "no kit 'tr808'"),
        (lambda r: r.set_kit({}), "not all 0"),
        (lambda r: r.set_kit({"alpha": -1.0}), "expected numbers >= 0"),
        (lambda r: r.set_kit({"alpha": nan}), "expected numbers >= 0"),
        (lambda r: r.set_drummer(2), "no drummer 2: there are 0 any, 1 drummer1"),
        (lambda r: r.set_drummer(-1), "no drummer -1"),
        (lambda r: r.set_levels({"cowbell": 0.0}, {}), "no piece 'cowbell'"),
        (lambda r: r.set_levels({"kick": 30.0}, {}), "at most 24"),
        (lambda r: r.set_levels({"kick": nan}, {}), "at most 24"),
        (lambda r: r.set_levels({}, {"kick": 1.5}), "expected -1..1"),
        (lambda r: r.set_levels({}, {"kick": nan}), "expected -1..1"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_and_changes_nothing(renderer, act, message):
    before = renderer.render(playing(20))
    renderer.reset()
    with pytest.raises(InputError, match=message):
        act(renderer)
    assert np.array_equal(renderer.render(playing(20)), before)


def test_unknown_providers_are_refused():
    with pytest.raises(InputError, match="no provider 'tpu': choose cpu or cuda"):
        load_renderer(TINY, provider="tpu")


def test_the_provider_that_really_runs_is_told(renderer):
    assert renderer.provider == "CPUExecutionProvider"


@pytest.mark.parametrize("shape", [(4, 32), (3, 5)])
def test_noise_belongs_to_its_hop_and_is_gumbel(shape):
    whole = GumbelStream(7, 0, *shape).draw(0, 600)
    stream = GumbelStream(7, 0, *shape)
    parts = [stream.draw(0, 1), stream.draw(1, 7), stream.draw(8, 592)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert np.array_equal(GumbelStream(7, 0, *shape).draw(333, 5), whole[333:338])
    assert not np.array_equal(GumbelStream(7, 1, *shape).draw(0, 600), whole)
    assert abs(whole.mean() - np.euler_gamma) < 0.05
    assert abs(whole.var() - np.pi**2 / 6) < 0.1


def test_what_was_learnt_rings_on_as_if_it_had_been_rendered():
    hits = [HopEvents((HopHit(15, 0, 1.0),)), *[HopEvents()] * 5]
    taught, played = load_renderer(TINY), load_renderer(TINY)
    taught.learn(hits)
    played.render(hits)
    np.testing.assert_array_equal(taught._grid.row(HopEvents()), played._grid.row(HopEvents()))
    assert np.abs(taught.render([HopEvents()] * 4)).max() > 0
    assert np.abs(load_renderer(TINY).render([HopEvents()] * 4)).max() == 0


def test_a_piece_sounds_with_the_gain_that_its_kit_gives_it(tmp_path):
    shutil.copytree(TINY, tmp_path / "tiny")
    manifest = tmp_path / "tiny" / "manifest.toml"
    before, alpha, after = manifest.read_text().partition('id = "alpha"')
    own = [6.0206 if piece == "snare" else 0.0 for piece in PIECES]
    manifest.write_text(before + alpha + after.replace("piece_db = []", f"piece_db = {own}", 1))
    louder, plain = load_renderer(tmp_path / "tiny"), load_renderer(TINY)
    np.testing.assert_allclose(louder.gains / plain.gains, [[2, 2] if p == "snare" else [1, 1] for p in PIECES])
    louder.set_kit({"alpha": 1, "beta": 1})
    louder.reset()
    assert 20 * np.log10(louder.gains[PIECES.index("snare")]) == pytest.approx(3.0103, abs=1e-3)


def test_a_kit_sounds_with_the_gain_that_its_bundle_gives_it(tmp_path):
    shutil.copytree(TINY, tmp_path / "tiny")
    manifest = tmp_path / "tiny" / "manifest.toml"
    before, beta, after = manifest.read_text().partition('id = "beta"')
    manifest.write_text(before + beta + after.replace("gain_db = 0.0", "gain_db = 6.0206", 1))
    louder, plain = load_renderer(tmp_path / "tiny"), load_renderer(TINY)
    factors = {"alpha": 1, "beta": 2}
    for kit, factor in factors.items():
        for renderer in (louder, plain):
            renderer.set_kit({kit: 1})
            renderer.reset()
        np.testing.assert_allclose(louder.render(playing(20)), factor * plain.render(playing(20)), rtol=1e-4, atol=1e-6)
