"""The continuation's features, baselines, score, training and graphs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drummers.common.tokens import EVENT, OFFSETS, Score, encode
from drummers.continuation.features import END, HIT_WORD, LOOK, Condition, SlotTimeline, sequence
from drummers.continuation.model import Continuer
from ghostnote.errors import InputError
from ghostnote.music.performance import make_hits
from tests.support.continuation import rock
from training.drummers.continuation.baselines import repeat_last_bar, style_marginal, vote_of_bars
from training.drummers.continuation.score import Counts, f1, hit_counts, items, score_all

torch = pytest.importorskip("torch")

CONDITION = Condition(17, 1, 110.0)


def bar(*rows, slots=16):
    return Score(np.array(sorted((0, slot, lane, 12, 20) for slot, lane in rows), EVENT), slots, 1)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.integers(0, 79))
def test_an_echo_knows_nothing_of_what_is_yet_to_come(seed, at):
    rng = np.random.default_rng(seed)
    rows = sorted({(int(b), int(s), int(x)) for b, s, x in rng.integers(0, [5, 16, 22], (120, 3))})
    events = np.array([(*row, 12, int(rng.integers(32))) for row in rows], EVENT)
    past = events[events["bar"] * 16 + events["slot"] < at]
    echoes = []
    for known in (events, past):
        timeline = SlotTimeline(16, 5)
        timeline.add(known)
        echoes.append(
            (timeline.echo(np.array([at]))[0], timeline.near(np.full(22, at), np.arange(22)))
        )  # fmt: skip
    for with_future, without in zip(*echoes, strict=True):
        assert np.array_equal(with_future, without)


def test_the_echo_shows_the_bar_before_from_the_same_place_on():
    score = encode(rock(3))
    timeline = SlotTimeline(16, 4)
    timeline.add(score.events)
    echo = timeline.echo(np.array([48 + 4]))[0]
    assert echo.shape == (3, LOOK, 22)
    assert echo[0, 0, 1] > 0  # the snare of beat two, one bar ago
    assert echo[1, 0, 1] > 0
    assert echo[2, 0, 1] == 1.0  # in every bar so far
    assert echo[0, 4, 0] > 0  # the kick of beat three
    assert not echo[:, 1].any()


def test_a_sequence_begins_with_four_words_and_has_a_line_before_each_bar():
    score = encode(rock(2))
    timeline = SlotTimeline(16, 3)
    timeline.add(score.events)
    made = sequence(score, CONDITION, timeline, next_bar=True)
    assert len(made.fields) == 4 + 3 + len(score.events)
    assert made.fields[0, 0] == 17
    assert (np.diff(made.time) >= 0).all()
    assert (made.fields[:, 0] == HIT_WORD).sum() == len(score.events)
    assert made.time[-1] == 32


def test_hits_are_counted_by_piece_and_slot():
    truth = bar((0, 0), (4, 1), (8, 0), (12, 1), (2, 10))
    assert hit_counts(truth, truth) == (5, 5, 5)
    assert hit_counts(bar((0, 0), (4, 2), (9, 0), (2, 11), (3, 12)), truth) == (3, 5, 5)
    assert hit_counts(bar((0, 0), (4, 2), (9, 0), (2, 11), (3, 12)), truth, tolerance=1) == (4, 5, 5)
    assert hit_counts(bar((7, 0), (9, 0)), bar((8, 0)), tolerance=1) == (1, 2, 1)
    assert f1(Counts(4, 5, 5)) == 0.8
    assert f1(Counts(0, 0, 0)) == 0


def test_windows_follow_each_other_and_silence_is_left_out():
    played = replace(rock(10), name="a")
    found = list(items([played], 4))
    assert [item.context.bars for item in found] == [4, 4]
    assert all(item.truth.bars == 1 for item in found)
    assert list(items([replace(played, kind="fill")], 4)) == []
    quiet = played.hits[(played.hits["time"] < 4 * 240 / 110 - 0.1) | (played.hits["time"] > 5 * 240 / 110)]
    assert len(list(items([replace(played, hits=quiet)], 4))) == 1


def test_repeating_is_right_where_nothing_changes():
    questions = list(items([rock(10)], 4))
    assert score_all(questions, lambda item: repeat_last_bar(item.context)).value == 1.0
    twice = repeat_last_bar(encode(rock(2)), 2)
    assert twice.bars == 2
    assert twice.part(0, 1).events.tolist() == twice.part(1, 2).events.tolist()


def test_a_vote_keeps_what_enough_bars_strike_as_the_last_of_them_plays_it():
    rows = [(0, 0, 0, 10, 5), (0, 4, 1, 12, 9), (1, 0, 0, 12, 6), (1, 8, 1, 12, 7), (2, 0, 0, 13, 7), (2, 8, 2, 11, 8)]
    context = Score(np.array(rows, EVENT), 16, 3)
    voted = vote_of_bars(context, 2, 2)
    assert voted.bars == 2
    assert voted.part(1, 2).events.tolist() == [(0, 0, 0, 13, 7), (0, 8, 2, 11, 8)]  # lanes 1 and 2: both the snare


def test_the_style_marginal_plays_what_the_style_mostly_plays():
    snares = Score(np.array([(b, 4, 1, 12, 20 + b % 3) for b in range(20)], EVENT), 16, 20)
    fitted = style_marginal([("funk", snares), ("rock", encode(rock(20)))], 0.3)
    assert fitted.play("funk", 16).events.tolist() == [(0, 4, 1, OFFSETS // 2, 21)]
    assert set(fitted.play("rock", 16).events["lane"].tolist()) == {0, 1, 10}
    assert len(fitted.play("unknown", 16, 2).events) == 2 * len(fitted.play("unknown", 16).events) > 0
    assert fitted.play("funk", 12).events["slot"].max(initial=0) < 12


def drummed():
    """Performances enough for a training of a moment."""
    rows = [rock(6, bpm=bpm, name=str(bpm)) for bpm in (90.0, 100.0, 120.0, 140.0)]
    return [replace(p, split=split) for p in rows for split in ("train", "validation")]


def tiny(minutes):
    from training.drummers.continuation.loop import TrainConfig
    from training.drummers.continuation.network import ContinuationConfig

    return TrainConfig(minutes=minutes, batch=2, validate_every=4, network=ContinuationConfig(32, 1, 1))


def test_targets_are_the_next_positions():
    from training.drummers.continuation.data import NO_TARGET, collate, example

    score = encode(rock(2))
    batch = collate([example(score, CONDITION)])
    fields, shift = batch.fields[0], batch.shift[0]
    assert (shift[:4] == NO_TARGET).all()
    for i in range(4, len(shift) - 1):
        if fields[i + 1, 0] == HIT_WORD:
            assert shift[i] == batch.time[0, i + 1] - batch.time[0, i]
            assert batch.lane[0, i] == fields[i + 1, 1]
            assert batch.velocity[0, i] == fields[i + 1, 2]
            assert batch.offset[0, i] == fields[i + 1, 3]
        else:
            assert shift[i] == END
            assert batch.lane[0, i] == NO_TARGET
    assert shift[-1] == END


def test_a_variation_is_still_in_order_and_inside_its_bar():
    from training.drummers.continuation.data import augment

    score = encode(rock(4))
    for seed in range(60):
        made = augment(score, np.random.default_rng(seed))
        places = made.events[["bar", "slot", "lane", "offset"]].tolist()
        assert places == sorted(places)
        assert made.events["slot"].max() < made.slots <= score.slots


def test_the_network_gives_the_same_with_and_without_its_cache():
    from training.drummers.continuation.network import ContinuationConfig, ContinuationNet

    torch.manual_seed(0)
    net = ContinuationNet(ContinuationConfig(64, 2, 2)).eval()
    score = encode(rock(2))
    timeline = SlotTimeline(16, 3)
    timeline.add(score.events)
    made = sequence(score, CONDITION, timeline, next_bar=True)
    inputs = [torch.from_numpy(a)[None] for a in (made.fields, made.time, made.echo)]
    with torch.no_grad():
        whole = net(*inputs, net.no_past(1), net.no_past(1))
        head = net(*(a[:, :20] for a in inputs), net.no_past(1), net.no_past(1))
        middle = net(*(a[:, 20:30] for a in inputs), head.present, net.no_past(1))
        last = net(*(a[:, 30:] for a in inputs), head.present, middle.present)
    parts = torch.cat([head.shift, middle.shift, last.shift], dim=1)
    torch.testing.assert_close(parts, whole.shift, atol=1e-5, rtol=1e-4)


def test_training_goes_on_where_it_stopped_and_its_model_plays(tmp_path, monkeypatch):
    from export.drummers.continuation import export
    from training.drummers.continuation import train as trainer
    from training.drummers.continuation.loop import Run

    run = tmp_path / "run"
    first = Run(tiny(0.005), run)
    first.fit(drummed(), lambda *_: None)
    assert first.step > 0
    with pytest.raises(InputError, match="not finished"):
        export(run, tmp_path / "model")
    monkeypatch.setattr(trainer, "TrainConfig", lambda: tiny(first.seconds / 60 + 0.005))
    monkeypatch.setattr(trainer, "TEMPERATURES", (0.5,))
    monkeypatch.setattr(trainer, "CANDIDATES", 2)
    lines = []
    trainer.train(drummed(), run, 0.0, lines.append)
    steps = [int(line.split(",")[0]) for line in (run / "log.csv").read_text().splitlines()[1:]]
    assert steps == sorted(steps)
    assert steps[-1] > first.step
    export(run, tmp_path / "model")
    played = Continuer(tmp_path / "model").play_on(rock(), 2)
    assert played.duration == pytest.approx(8 * 60 / 110)


def test_an_empty_performance_trains_nothing():
    from training.drummers.continuation.data import takes_of

    assert takes_of([replace(rock(), hits=make_hits([(0.0, 0, 1.0)])[:0]), rock(1)]) == []
