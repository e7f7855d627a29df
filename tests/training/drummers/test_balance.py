from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drummers.common.styles import STYLES
from evaluation.drummers.groups import GROUPS
from ghostnote.errors import InputError
from ghostnote.music.performance import Performance, make_hits
from training.drummers.common.balance import (
    SHARES,
    SPLITS,
    counts,
    group_styles,
    over_sample,
    save_histograms,
    split_again,
    under_sample,
)


def corpus(sizes, split="train"):
    hits = make_hits([(0.0, 0, 0.8), (0.5, 1, 0.6), (1.0, 0, 0.7)])
    return [
        Performance(hits, style=style, split=split, duration=2.0, name=f"{style}{i}")
        for style, size in sizes.items()
        for i in range(size)
    ]


@given(st.dictionaries(st.sampled_from(STYLES), st.integers(1, 60), min_size=1), st.integers(0, 5))
def test_the_stratified_split_gives_every_split_its_share_within_one_performance(sizes, seed):
    again = split_again(corpus(sizes), seed)
    assert [p.name for p in again] == [p.name for p in corpus(sizes)]
    found = counts(again)
    for style, size in sizes.items():
        for split, share in zip(SPLITS, SHARES, strict=True):
            assert abs(found[split][style] - share * size) < 1


def test_over_sampling_adds_altered_copies_of_rare_train_styles_only():
    given_ = [*corpus({"rock": 30, "blues": 2}), *corpus({"blues": 1}, "test")]
    more = over_sample(given_, 10)
    assert counts(more)["train"] == Counter(rock=30, blues=10)
    assert counts(more)["test"] == Counter(blues=1)
    copies = more[len(given_) :]
    assert len({p.name for p in copies}) == len(copies) == 8
    assert all(p.bpm != 120 and p.duration >= p.hits["time"][-1] for p in copies)
    assert more[: len(given_)] == given_


def test_under_sampling_thins_dominant_train_styles_only():
    given_ = [*corpus({"rock": 30, "blues": 2}), *corpus({"rock": 20}, "test")]
    less = under_sample(given_, 12)
    assert counts(less)["train"] == Counter(rock=12, blues=2)
    assert counts(less)["test"] == Counter(rock=20)


def test_grouping_renames_every_style_and_refuses_strange_ones():
    assert [p.style for p in group_styles(corpus(dict.fromkeys(STYLES, 1)))] == [GROUPS[style] for style in STYLES]
    with pytest.raises(InputError, match="polka"):
        group_styles(corpus({"polka": 1}))


def test_histograms_are_written_as_a_picture(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "new" / "balance.png"
    save_histograms(path, [("before", corpus({"rock": 3})), ("after", corpus({"rock": 2, "jazz": 2}))])
    assert path.read_bytes().startswith(b"\x89PNG")
