from math import hypot, isnan

import numpy as np
import pytest

pytest.importorskip("mir_eval", reason="needs the extra evaluate")

from evaluation.drummers.hits import match_hits
from evaluation.drummers.profile import density, mean_velocity, profile_distance, swing
from ghostnote.music.articulations import LANE_OF_NAME
from ghostnote.music.performance import Performance, make_hits

KICK, SNARE, HAT, EDGE = (LANE_OF_NAME[name] for name in ("kick", "snare", "hat_closed_bow", "hat_closed_edge"))


def played(*rows, duration=2.0):
    return Performance(make_hits(list(rows)), bpm=120, duration=duration)


def test_a_groove_fits_itself():
    groove = played((0.0, KICK, 0.5), (0.5, SNARE, 0.9), (0.5, HAT, 0.3))
    match = match_hits(groove, groove)
    assert (match.f1, match.distance) == (1, 0)
    assert profile_distance([groove], [groove]) == 0


def test_hits_match_inside_their_class_and_within_fifty_milliseconds():
    reference = played((0.0, KICK, 0.5), (0.5, SNARE, 0.5), (1.0, HAT, 0.5), (1.5, HAT, 0.5))
    candidate = played((0.04, KICK, 0.5), (0.5, KICK, 0.5), (1.0, EDGE, 0.5), (1.56, HAT, 0.5))
    match = match_hits(reference, candidate)
    assert match.matched == 2
    assert match.f1 == pytest.approx(2 * 2 / 8)


def test_each_hit_is_matched_once():
    assert match_hits(played((0.0, KICK, 0.5)), played((0.0, KICK, 0.5), (0.02, KICK, 0.5))).f1 == pytest.approx(2 / 3)


def test_groove_distance_is_as_stated():
    reference = played((0.0, KICK, 0.5), (0.5, SNARE, 0.5), (1.0, HAT, 0.5))
    candidate = played((0.02, KICK, 0.5), (0.51, SNARE, 0.7))
    expected = (1 + hypot(0.5, 1) + 3) / 3
    assert match_hits(reference, candidate).distance == pytest.approx(expected)


def test_nothing_fits_nothing_and_something_does_not():
    nothing = played()
    assert (match_hits(nothing, nothing).f1, match_hits(nothing, nothing).distance) == (1, 0)
    lone = match_hits(played((0.0, KICK, 1.0)), nothing)
    assert (lone.f1, lone.distance) == (0, 3)


def test_profiles_differ_by_mean_offset_and_velocity_per_sixteenth():
    early = played((0.49, SNARE, 0.5), (1.0, KICK, 0.5))
    late = played((0.51, SNARE, 0.7), (1.0, KICK, 0.5))
    assert profile_distance([early], [late]) == pytest.approx(np.sqrt((1 + 1 + 0) / 2), rel=1e-5)
    assert isnan(profile_distance([played((0.0, KICK, 0.5))], [played((0.5, KICK, 0.5))]))


@pytest.mark.parametrize("place", [0.5, 0.58, 2 / 3])
def test_swing_is_where_the_second_eighth_falls(place):
    beat = 0.5
    rows = [(i * beat + at * beat, HAT, 0.5) for i in range(4) for at in (0, place)]
    assert swing(played(*rows)) == pytest.approx(place)
    sixteenths = [(i * beat / 2 + at * beat / 2, HAT, 0.5) for i in range(8) for at in (0, place)]
    assert swing(played(*sixteenths), 16) == pytest.approx(place)


def test_density_counts_hits_per_bar_and_velocity_their_mean():
    groove = played((0.0, KICK, 0.2), (1.0, SNARE, 0.6), (2.5, KICK, 0.7), duration=4.0)
    assert density(groove) == 1.5
    assert mean_velocity(groove) == pytest.approx(0.5)
    assert isnan(mean_velocity(played()))
    assert isnan(swing(played()))
