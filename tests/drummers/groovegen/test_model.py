from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drummers.common.model_folder import MANIFEST, MODELS_DIR
from drummers.common.tokens import encode
from drummers.groovegen.features import METERS, N_CONDITIONS, conditions, loop_of, past, places, planes, score_of
from drummers.groovegen.model import KIND, GrooveGenerator
from drummers.groovegen.prompt import parse
from drummers.groovegen.swing import swing_of
from ghostnote.errors import BundleError
from ghostnote.music.articulations import N_LANES, lanes_of_piece
from ghostnote.music.performance import Performance, make_hits

SHIPPED = MODELS_DIR / KIND


@pytest.fixture(scope="module")
def generator():
    if not SHIPPED.is_dir():
        pytest.skip("no groove generator is shipped")
    return GrooveGenerator(SHIPPED)


def strokes():
    return st.lists(
        st.tuples(st.floats(0, 9.5), st.integers(0, N_LANES - 1), st.floats(0.01, 1)), min_size=1, max_size=40
    )


@given(strokes())
@settings(deadline=None)
def test_a_loop_gives_back_the_hardest_stroke_of_each_piece_and_slot(rows):
    loop = loop_of(encode(Performance(make_hits(rows), bpm=100.0, duration=10.0)))
    again = loop_of(score_of(loop, 16))
    for a, b in ((again.choice, loop.choice), (again.offset, loop.offset), (again.velocity, loop.velocity)):
        assert np.array_equal(a, b)


def test_what_a_slot_knows_of_the_past_never_holds_the_slot_itself_or_later_ones():
    rng = np.random.default_rng(0)
    velocity, offset = rng.random((2, 64, N_LANES), np.float32)
    known = past(velocity, offset, 16)
    changed = velocity.copy()
    changed[40:] = 0
    assert np.array_equal(past(changed, offset, 16)[:41], known[:41])
    assert np.array_equal(known[20].reshape(4, N_LANES), [velocity[19], velocity[4], velocity[5], offset[4]])


def test_conditions_tell_styles_tempo_meter_and_which_knobs_are_set():
    a = conditions({"rock": 0.4, "latin": 0.6}, 120, (6, 8), None, 0.0)
    b = conditions({"rock": 0.4, "latin": 0.6}, 120, (6, 8), 0.0, None)
    assert a.shape == (N_CONDITIONS,)
    assert a[:18].sum() == pytest.approx(1)
    assert not np.array_equal(a, b)
    assert places(48, 12, np.array([0, 0, 0, 1], bool))[36:, -1].all()


def test_the_planes_hold_a_loops_strokes():
    hits = make_hits([(0.0, 0, 0.9), (0.61, 1, 0.3)])
    velocity, offset = planes(loop_of(encode(Performance(hits, bpm=100.0, duration=2.4))))
    assert np.argwhere(velocity).tolist() == [[0, 0], [4, 1]]
    assert velocity[0, 0] > velocity[4, 1]
    assert offset[4, 1] > 0


@pytest.mark.parametrize("meter", METERS)
@pytest.mark.parametrize("bars", [1, 4, 6])
def test_a_groove_has_the_bars_tempo_and_meter_that_were_asked_for(generator, meter, bars):
    request = replace(parse("jazz 130 bpm"), meter=meter, bars=bars)
    groove = generator.generate(request, 3)
    length = bars * meter[0] * 4 / meter[1] * 60 / 130
    assert groove.duration == pytest.approx(length, abs=0.2)
    assert (groove.bpm, groove.meter, groove.style) == (130, meter, "jazz")
    assert groove.hits["time"].min() >= 0
    assert groove.hits["time"].max() < length
    assert np.all((groove.hits["velocity"] > 0) & (groove.hits["velocity"] <= 1))


def test_the_seed_decides_the_groove(generator):
    request = parse("funk 100 bpm")
    first, again, other = (generator.generate(request, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.hits, again.hits)
    assert not np.array_equal(first.hits, other.hits)
    several = generator.generate_many(request, 1, 3)
    assert len({one.hits.tobytes() for one in several}) == 3


def test_pieces_that_are_off_are_never_played(generator):
    groove = generator.generate(parse("rock 120 bpm, only kick and hat, 16 bars"), 0)
    allowed = {*lanes_of_piece("kick"), *lanes_of_piece("hat")}
    assert set(groove.hits["lane"].tolist()) <= allowed
    assert len(groove.hits)


def test_knobs_are_heard(generator):
    def mean(text, measure):
        return np.mean([measure(generator.generate(parse(text), seed).hits) for seed in range(6)])

    assert mean("very sparse rock 8 bars", len) < mean("very busy rock 8 bars", len)
    soft, hard = (mean(f"{word} rock 8 bars", lambda hits: hits["velocity"].mean()) for word in ("quiet", "loud"))
    assert soft < hard


@pytest.mark.parametrize("swing", [50, 58, 66])
def test_swing_lies_about_where_it_was_asked_for(generator, swing):
    places = [swing_of(generator.generate(parse(f"rock 100 bpm swing {swing}% 8 bars"), seed)) for seed in range(3)]
    assert places == pytest.approx([swing / 100] * 3, abs=0.05)


def test_the_way_between_two_styles_begins_and_ends_in_them(generator):
    rock, latin = (generator.generate(parse(f"{style} 120"), 5) for style in ("rock", "latin"))
    ends = [generator.generate(parse(f"between rock and latin {share}% 120"), 5) for share in (0, 100)]
    assert np.array_equal(ends[0].hits, rock.hits)
    assert np.array_equal(ends[1].hits, latin.hits)


def test_a_model_with_other_facts_is_refused(generator, tmp_path):
    for path in SHIPPED.iterdir():
        Path(tmp_path / path.name).write_bytes(path.read_bytes())
    manifest = tmp_path / MANIFEST
    manifest.write_text(manifest.read_text().replace("latent =", "latency ="))
    with pytest.raises(BundleError, match="facts"):
        GrooveGenerator(tmp_path)
