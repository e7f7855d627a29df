import numpy as np
import pytest
from scipy.linalg import sqrtm

from evaluation.sound.fad import common_axes, dimension_for, extrapolated, frechet, measure_fad
from ghostnote.errors import InputError


def vectors(n: int = 400, d: int = 12, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.standard_normal((n, d)) @ random.standard_normal((d, d))


def test_distance_equals_the_textbook_formula():
    a, b = vectors(seed=0), vectors(300, seed=1)
    shift, s, t = a.mean(axis=0) - b.mean(axis=0), np.cov(a.T), np.cov(b.T)
    assert frechet(a, b) == pytest.approx(shift @ shift + np.trace(s + t - 2 * sqrtm(s @ t).real), rel=1e-9)


def test_distance_of_a_set_to_itself_is_zero_and_grows_with_a_shift():
    a = vectors()
    distances = [frechet(a, a + shift) for shift in (0, 0.5, 1, 2)]
    assert distances[0] == pytest.approx(0, abs=1e-9)
    assert distances[1:] == pytest.approx([12 * shift**2 for shift in (0.5, 1, 2)])


def test_fewer_vectors_than_dimensions_are_no_problem():
    a = vectors(5, 12)
    assert frechet(a, a[::-1]) == pytest.approx(0, abs=1e-9)
    assert frechet(a, vectors(7, 12, seed=3)) > 0


def test_extrapolation_removes_most_of_the_bias_of_two_draws_of_one_distribution():
    random = np.random.default_rng(0)
    whole = random.standard_normal((20000, 8))
    small = random.standard_normal((400, 8))
    assert abs(extrapolated(whole, small)) < frechet(whole, small[:100])


def test_common_axes_keep_a_deviation_that_only_one_side_has():
    a = np.zeros((100, 6))
    a[:, 0] = np.random.default_rng(0).standard_normal(100)
    b = a.copy()
    b[:, 5] += 3
    axes = common_axes(a, b, 2)
    assert frechet(a @ axes, b @ axes) == pytest.approx(9, rel=1e-6)


def test_the_dimension_is_a_tenth_of_the_vectors_within_bounds():
    assert [dimension_for(n, 1024) for n in (5, 100, 640, 100000)] == [1, 10, 64, 64]
    assert dimension_for(1000, 16) == 16


def test_result_states_its_sample_size_and_holds_the_value_in_its_interval():
    a = vectors(300)
    names = [str(i // 10) for i in range(300)]
    b = a + 1 + 0.3 * np.random.default_rng(5).standard_normal(a.shape)
    same, other = measure_fad(a, a, names), measure_fad(a, b, names)
    assert (same.vectors, same.dimension) == (300, 12)
    assert same.whole.value == pytest.approx(0, abs=1e-9)
    assert other.whole.low <= other.whole.value <= other.whole.high
    assert other.whole.low > same.whole.high
    assert other.infinite == pytest.approx(other.whole.value, rel=0.2)


def test_unpaired_sets_and_single_vectors_are_refused():
    with pytest.raises(InputError, match="found 4 of the reference, 3 rendered"):
        measure_fad(np.zeros((4, 2)), np.zeros((3, 2)), ["a"] * 4)
    with pytest.raises(InputError, match="2 vectors a side, found 1"):
        frechet(np.zeros((1, 2)), np.zeros((3, 2)))
