"""The humaniser on files, bar by bar and live.

What holds for any network is tested with one of random weights; what was learnt, with the shipped model.
"""

import shutil
import tomllib
from dataclasses import asdict, replace

import numpy as np
import pytest
import tomli_w
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from drummers.humanizer.features import HISTORY, columns
from drummers.humanizer.model import FOLDER, Humanizer
from drummers.humanizer.network import LOOKS
from export.drummers.humanizer import export
from ghostnote.errors import BundleError, InputError, MissingError
from ghostnote.music.articulations import LANE_OF_NAME
from ghostnote.music.performance import CHOKE, OPENNESS, Performance, make_hits
from training.drummers.humanizer.network import HumanizerNet, HumanizerSize
from training.drummers.humanizer.train import CHECKPOINT, HumanizerRecipe

KICK, SNARE = LANE_OF_NAME["kick"], LANE_OF_NAME["snare"]
CLOSED, OPEN = LANE_OF_NAME["hat_closed_bow"], LANE_OF_NAME["hat_open_bow"]
BPM = 100.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model of random weights, exported as trained ones are."""
    run, folder = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    networks = {}
    for name, ahead in LOOKS.items():
        net = HumanizerNet(HumanizerSize(max(part.stop for part in columns(ahead).values()), width=32))
        networks[name] = {"state": net.state_dict(), "size": asdict(net.size), "losses": {}, "epochs": 0, "hits": 0}
    about = {"recipe": asdict(HumanizerRecipe()), "seconds": 0.0, "loudness": [(0.5, 0.1)] * 11}
    torch.save({"networks": networks, **about}, run / CHECKPOINT)
    export(run, folder)
    return folder


@pytest.fixture(scope="module")
def humanizer(folder):
    return Humanizer(folder)


@pytest.fixture(scope="module")
def shipped():
    if not FOLDER.is_dir():
        pytest.skip(f"needs the trained model: no folder {FOLDER}")
    return Humanizer(FOLDER)


def rock(bars=4, velocity=0.7):
    rows = []
    for eighth in range(bars * 8):
        time = eighth * 30 / BPM
        rows.append((time, OPEN if eighth % 8 == 7 else CLOSED, velocity))
        if eighth % 8 in (0, 4, 5):
            rows.append((time, KICK, velocity))
        if eighth % 4 == 2:
            rows.append((time, SNARE, velocity))
    hits = make_hits(rows)
    opened = hits[hits["lane"] == OPEN]["time"]
    openness = np.array([(t, 1.0) for t in opened] + [(t + 30 / BPM, 0.0) for t in opened], OPENNESS)
    openness = openness[np.argsort(openness["time"])]
    chokes = np.array([(3.0, KICK)], CHOKE)
    return Performance(hits, openness, chokes, bpm=BPM, duration=bars * 240 / BPM)


def test_amount_0_leaves_a_performance_unchanged(humanizer):
    pattern = rock()
    played = humanizer.humanize(pattern, drummer=3, amount=0.0)
    np.testing.assert_array_equal(played.hits, pattern.hits)
    np.testing.assert_array_equal(played.openness, pattern.openness)


def test_the_same_seed_plays_the_same_and_another_another(humanizer):
    one, again, other = (humanizer.humanize(rock(), drummer=1, seed=seed).hits for seed in (4, 4, 5))
    np.testing.assert_array_equal(one, again)
    assert np.any(one != other)


@settings(max_examples=8, deadline=None)
@given(drummer=st.integers(0, 10), seed=st.integers(0, 1000), amount=st.floats(0.05, 1.0))
def test_a_played_pattern_has_the_same_strokes_in_time_order_and_legal_velocities(humanizer, drummer, seed, amount):
    pattern = rock(2)
    played = humanizer.humanize(pattern, drummer=drummer, style="funk", amount=amount, seed=seed)
    assert sorted(played.hits["lane"].tolist()) == sorted(pattern.hits["lane"].tolist())
    assert np.all(np.diff(played.hits["time"]) >= 0) and played.hits["time"].min() >= 0
    assert played.hits["velocity"].min() > 0 and played.hits["velocity"].max() <= 1
    assert played.duration >= played.hits["time"][-1]


def test_half_the_amount_moves_half_as_far(humanizer):
    pattern = rock()
    snare = pattern.hits["lane"] == SNARE
    half, whole = (humanizer.humanize(pattern, drummer=7, amount=amount, seed=2) for amount in (0.5, 1.0))
    written = pattern.hits[snare]
    for name in ("time", "velocity"):
        moved = [p.hits[p.hits["lane"] == SNARE][name] - written[name] for p in (half, whole)]
        np.testing.assert_allclose(2 * moved[0], moved[1], atol=1e-6)


def test_drummers_are_told_apart_by_timing_and_velocity(shipped):
    pattern = rock(8)

    def habit(drummer):
        takes = [shipped.humanize(pattern, drummer=drummer, seed=seed).hits for seed in range(6)]
        late = [(take["time"].mean() - pattern.hits["time"].mean()) * 1000 for take in takes]
        return np.array([np.mean(late) / 2, np.mean([take["velocity"].mean() for take in takes]) / 0.05])

    habits = [habit(drummer) for drummer in (1, 5, 8)]
    assert max(np.abs(one - other).max() for one in habits for other in habits) > 1


def test_written_soft_hits_stay_softer_than_hard_ones(shipped):
    pattern = rock(8)
    hits = pattern.hits.copy()
    snares = np.flatnonzero(hits["lane"] == SNARE)
    hits["velocity"][snares] = np.where(np.arange(len(snares)) % 2, 0.95, 0.2)
    played = shipped.humanize(replace(pattern, hits=hits), drummer=1, seed=0)
    loud = played.hits[played.hits["lane"] == SNARE]["velocity"]
    assert loud[1::2].mean() > loud[::2].mean() + 0.3


def test_the_pedal_opens_with_its_stroke_and_chokes_stay(humanizer):
    pattern = rock()
    played = humanizer.humanize(pattern, drummer=1, seed=1)
    opened = played.openness["time"][played.openness["value"] == 1.0]
    strokes = played.hits["time"][played.hits["lane"] == OPEN]
    np.testing.assert_allclose(opened, strokes, atol=1e-9)
    assert len(played.chokes) == 1


@pytest.mark.parametrize("meter", [(3, 4), (6, 8), (5, 8), (7, 16)])
def test_odd_meters_are_played(humanizer, meter):
    played = humanizer.humanize(replace(rock(), meter=meter), drummer=2)
    assert len(played.hits) == len(rock().hits)


def test_the_bars_of_a_take_can_be_played_one_by_one(humanizer):
    bar = rock(1)
    take = humanizer.begin(drummer=1, style="rock", seed=0)
    bars = [take.play(bar, start=4.0 * n) for n in range(4)]
    assert all(len(b.hits) == len(bar.hits) for b in bars)
    assert bars[0].hits["time"].min() >= 0
    assert any(np.any(bars[0].hits != b.hits) for b in bars[1:])
    assert len(take.play(replace(bar, hits=bar.hits[:0]), start=16.0).hits) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"drummer": 11}, "no drummer 11"),
        ({"drummer": -1}, "no drummer -1"),
        ({"drummer": 1, "style": "fnk"}, "did you mean funk"),
        ({"drummer": 1, "amount": 1.5}, "amount 1.5"),
        ({"drummer": 1, "amount": float("nan")}, "amount nan"),
    ],
)
def test_wishes_that_cannot_be_met_are_named(humanizer, options, words):
    with pytest.raises(InputError, match=words):
        humanizer.humanize(rock(), **options)


def test_nothing_to_play_is_an_error(humanizer):
    with pytest.raises(InputError, match="no drum hits"):
        humanizer.humanize(Performance(make_hits([]), name="empty"), drummer=1)
    with pytest.raises(InputError, match="1000 bpm"):
        humanizer.humanize(replace(rock(), bpm=1000.0), drummer=1)


def test_a_model_that_is_missing_or_damaged_is_named(folder, tmp_path):
    with pytest.raises(MissingError):
        Humanizer(tmp_path / "none")
    copy = shutil.copytree(folder, tmp_path / "model")
    (copy / "live_timing.onnx").write_bytes(b"no graph")
    with pytest.raises(BundleError, match="live_timing"):
        Humanizer(copy)


@settings(max_examples=8, deadline=None)
@given(
    beats=st.lists(st.floats(0, 64), min_size=1, max_size=30).map(sorted),
    lane=st.integers(0, 21),
    amount=st.floats(0, 1),
)
def test_live_hits_are_only_delayed_and_never_longer_than_declared(humanizer, beats, lane, amount):
    live = humanizer.live(drummer=3, amount=amount, longest=0.025, seed=0)
    for beat in beats:
        delay, velocity = live.hit(beat, lane, 0.8)
        assert 0 <= delay <= 0.025
        assert 0 < velocity <= 1
        if amount == 0:
            assert (delay, velocity) == (0, 0.8)


def test_live_playing_is_deterministic_by_seed_and_survives_a_jump_back(humanizer):
    def played(seed):
        live = humanizer.live(drummer=5, style="funk", seed=seed)
        return [live.hit(beat, SNARE, 0.6) for beat in (0.0, 0.5, 1.0, 0.25, 0.5)]

    assert played(1) == played(1)
    assert played(1) != played(2)


def test_live_hits_vary_around_the_lead(shipped):
    live = shipped.live(drummer=1, style="rock", bpm=BPM, longest=0.06)
    delays = [live.hit(beat / 2, CLOSED, 0.7)[0] for beat in range(200)]
    assert abs(np.mean(delays) - live.lead) < 0.02
    assert np.std(delays) > 0.001


def test_live_wishes_that_cannot_be_met_are_named(humanizer):
    with pytest.raises(InputError, match="longest delay"):
        humanizer.live(drummer=1, longest=0.5)
    with pytest.raises(InputError, match="bpm"):
        humanizer.live(drummer=1, bpm=5.0)


def test_a_louder_usual_loudness_is_heard_by_the_network(folder, tmp_path):
    played: list[np.ndarray] = []
    for mean in (0.1, 0.9):
        other = tmp_path / str(mean)
        shutil.copytree(folder, other)
        manifest = other / "model.toml"
        table = tomllib.loads(manifest.read_text(encoding="utf-8"))
        table["facts"]["loudness"] = [[mean, 0.0]] * 11
        manifest.write_text(tomli_w.dumps(table), encoding="utf-8")
        played.append(Humanizer(other).humanize(rock(), drummer=3).hits["velocity"])
    assert (played[0] != played[1]).any()


def test_a_model_that_hears_something_else_of_what_was_played_is_refused(folder, monkeypatch):
    monkeypatch.setattr("drummers.humanizer.network.HISTORY", HISTORY + 1)
    with pytest.raises(BundleError, match=f"takes {HISTORY} columns of history, this program has {HISTORY + 1}"):
        Humanizer(folder)


def test_a_model_without_the_drummers_loudness_is_refused(folder, tmp_path):
    other = tmp_path / "short"
    shutil.copytree(folder, other)
    manifest = other / "model.toml"
    table = tomllib.loads(manifest.read_text(encoding="utf-8"))
    for wrong in ([[0.5, 0.1]], [[0.5, 2.0]] * 11, "loud"):
        table["facts"]["loudness"] = wrong
        manifest.write_text(tomli_w.dumps(table), encoding="utf-8")
        with pytest.raises(BundleError, match="loudness must list"):
            Humanizer(other)
