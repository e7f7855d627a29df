"""Which pieces share a pass: exact as long as there is time, nearest together when there is not, off stays off."""

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostnote.music.articulations import PIECES
from server.config import ServeConfig
from server.loading import passes_in_time, work_seconds
from server.render.passes import Share, level_error_db, share_passes
from server.render.renderer import load_renderer
from tests.support.hits import playing
from tests.support.paths import TINY

LEVELS = dict.fromkeys(PIECES, 0.0)


@given(
    st.lists(st.sampled_from([-60.0, -inf, -12.5, -3.0, 0.0, 6.0]), min_size=9, max_size=9),
    st.lists(st.sampled_from([-1.0, 0.0, 0.3]), min_size=9, max_size=9),
    st.sampled_from([None, 2, 3, 5]),
)
def test_every_piece_is_in_one_pass_and_there_are_no_more_than_there_is_time_for(levels, pans, most):
    asked, panned = dict(zip(PIECES, levels, strict=True)), dict(zip(PIECES, pans, strict=True))
    shares = share_passes(asked, panned, most=most)
    assert sorted(piece for share in shares for piece in share.group) == sorted(PIECES)
    assert most is None or len(shares) <= most
    for share in shares:
        assert {asked[piece] <= -60 for piece in share.group} == {share.level == -inf}
    if most is None:
        assert all(asked[p] == share.level or asked[p] <= -60 for share in shares for p in share.group)
        assert level_error_db(shares, asked, panned) == 0


def test_the_nearest_levels_are_put_together_and_get_their_mean():
    levels = LEVELS | {"kick": -10.0, "snare": -8.0, "hat": 6.0}
    rest = tuple(piece for piece in PIECES if piece not in ("kick", "snare", "hat"))
    shares = share_passes(levels, LEVELS, most=3)
    assert {share.group: share.level for share in shares} == {("kick", "snare"): -9.0, ("hat",): 6.0, rest: 0.0}
    assert level_error_db(shares, levels, LEVELS) == 1.0


def test_a_pan_to_the_side_is_farther_than_a_few_decibels():
    levels, pans = LEVELS | {"ride": -4.0}, LEVELS | {"crash_1": 1.0}
    shares = share_passes(levels, pans, most=2)
    assert Share(("crash_1",), 0.0, 1.0) in shares
    assert level_error_db(shares, levels, pans) == pytest.approx(3.5)


def test_as_many_passes_as_a_hop_has_time_for_are_tried_out_and_leave_no_trace():
    renderer, fresh = load_renderer(TINY), load_renderer(TINY)
    assert passes_in_time(renderer, 60.0) == len(PIECES)
    assert passes_in_time(renderer, 0.0) == 2
    assert renderer.groups == tuple((piece,) for piece in PIECES)
    np.testing.assert_array_equal(renderer.render(playing(20)), fresh.render(playing(20)))


@pytest.mark.parametrize(
    ("settings", "milliseconds"),
    [({}, 256 / 48), ({"lead_ms": 3.0}, 2.5), ({"lead_ms": 20.0}, 256 / 48), ({"lead_ms": 6.0, "block": 512}, 1 / 6)],
)
def test_a_hop_has_time_as_the_lead_leaves_it_and_no_more_than_it_lasts(settings, milliseconds):
    config = ServeConfig(**settings)
    assert 1000 * work_seconds(config, load_renderer(TINY)) == pytest.approx(milliseconds, abs=1e-6)


def test_a_renderer_short_of_time_keeps_to_its_passes_and_tells_how_far_it_is_off():
    renderer, levels = load_renderer(TINY), {piece: -float(n) for n, piece in enumerate(PIECES)}
    renderer.set_levels(levels, {})
    assert len(renderer.groups) == len(PIECES)
    renderer.limit_passes(4)
    assert len(renderer.groups) == 4
    assert renderer.figures() == {"passes": 4, "most_passes": 4, "levels_off_db": pytest.approx(1.0)}
    assert np.isfinite(renderer.render(playing(20))).all()
    renderer.set_levels({"kick": -6.0, "snare": -60.0}, {})
    assert renderer.figures()["levels_off_db"] == 0.0
    kick, snare = (renderer.groups.index((piece,)) for piece in ("kick", "snare"))
    assert renderer.gains[kick] == pytest.approx(10 ** (-6 / 20))
    assert not renderer.gains[snare].any()
