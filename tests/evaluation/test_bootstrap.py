import numpy as np
import pytest

from evaluation.bootstrap import Estimate, jackknife_interval, mean_interval, paired_interval


def test_constant_values_have_an_interval_of_no_width():
    assert mean_interval([2.0] * 6, list("aabbcc")) == Estimate(2.0, 2.0, 2.0)


def test_interval_equals_a_slow_resampling_of_clusters():
    values, clusters = np.array([1.0, 2, 10, 4, 5]), list("aabcc")
    result = mean_interval(values, clusters, resamples=4000)
    random = np.random.default_rng(7)
    groups = [values[:2], values[2:3], values[3:]]
    means = [np.concatenate([groups[i] for i in random.integers(3, size=3)]).mean() for _ in range(4000)]
    assert result.value == pytest.approx(values.mean())
    assert (result.low, result.high) == pytest.approx(np.percentile(means, (2.5, 97.5)), abs=0.3)


def test_about_95_of_100_intervals_hold_the_truth_when_clusters_share_an_error():
    random = np.random.default_rng(0)
    clusters = [str(i // 5) for i in range(200)]
    held = 0
    for _ in range(300):
        values = np.repeat(random.standard_normal(40), 5) + 0.5 * random.standard_normal(200)
        interval = mean_interval(values, clusters, resamples=400)
        held += interval.low <= 0 <= interval.high
    assert 0.90 <= held / 300 <= 0.98


def test_repeating_a_cluster_does_not_narrow_its_interval():
    values = np.random.default_rng(1).standard_normal(20)
    names = [str(i) for i in range(20)]
    once = mean_interval(values, names)
    tenfold = mean_interval(np.repeat(values, 10), np.repeat(names, 10).tolist())
    assert (tenfold.low, tenfold.high) == pytest.approx((once.low, once.high))


def test_pairing_finds_a_small_difference_that_separate_intervals_hide():
    random = np.random.default_rng(2)
    theirs = random.standard_normal(100)
    ours = theirs + 0.05 + 0.01 * random.standard_normal(100)
    names = [str(i) for i in range(100)]
    assert not mean_interval(ours, names).apart(mean_interval(theirs, names))
    assert paired_interval(ours, theirs, names).low > 0


def test_missing_values_are_left_out():
    assert mean_interval([1.0, np.nan, 3.0], list("abc")).value == 2
    assert np.isnan(mean_interval([np.nan], ["a"]).value)


def test_jackknife_of_a_mean_is_its_standard_error_over_clusters():
    values = np.random.default_rng(3).standard_normal(40)
    result = jackknife_interval(lambda rows: float(values[rows].mean()), [str(i) for i in range(40)])
    reach = 1.96 * values.std(ddof=1) / np.sqrt(40)
    assert (result.low, result.high) == pytest.approx((values.mean() - reach, values.mean() + reach))


def test_jackknife_leaves_out_whole_clusters_and_needs_two():
    seen = []
    jackknife_interval(lambda rows: float(seen.append(rows.tolist()) or 0), list("abab"))
    assert seen == [[0, 1, 2, 3], [1, 3], [0, 2]]
    assert np.isnan(jackknife_interval(lambda rows: 1.0, ["a", "a"]).low)
