"""Strokes by heart: each age, place inside the hop and velocity of a lone stroke reads what the codec says of it."""

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

from ghostnote.music.articulations import N_LANES  # noqa: E402
from ghostnote.music.grid import build_grid  # noqa: E402
from ghostnote.music.performance import Performance, make_hits  # noqa: E402
from sampler.mix import mix  # noqa: E402
from tests.support.tiny_bundle import random_strokes, tiny_networks  # noqa: E402
from tests.support.toy_kit import ToyKit  # noqa: E402
from training.data.stroke_codes import stroke_codes  # noqa: E402
from training.predictors.memory import (  # noqa: E402
    AGES,
    LAST_AGE,
    VELOCITIES,
    StrokeMemory,
    last_hits,
    nodes_of,
)

HOP, RATE = 256, 48_000


def grid_of(*hits: tuple[float, int, float], rows: int = 60) -> Any:
    """Grid [1, rows, columns] of hits (hop, lane, velocity)."""
    take = Performance(make_hits([(h * HOP / RATE, lane, v) for h, lane, v in hits]), bpm=100.0, duration=1.0)
    return torch.from_numpy(build_grid(take, rows, hop=HOP, sample_rate=RATE)[None])


def test_ages_rise_from_silence():
    assert AGES[0] == 0 and AGES[-1] == LAST_AGE and np.all(np.diff(AGES) > 0)


@pytest.mark.parametrize("place", [0.0, 0.25, 0.6])
def test_the_grid_says_to_the_frame_how_old_a_stroke_is(place: float):
    age, velocity = last_hits(grid_of((3 + place, 4, 0.8), rows=900))
    expected = np.arange(1, 898) - round(place * HOP) / HOP
    np.testing.assert_allclose(age[0, 3:, 4], expected, atol=0.3 / HOP)
    np.testing.assert_allclose(velocity[0, 3:, 4], 0.8, atol=1e-3)
    assert not velocity[0, :3].any() and not velocity[0, :, :4].any()


def test_the_nearest_age_is_read_and_halves_go_the_same_way_at_every_age():
    nodes = nodes_of(torch.tensor([0.1, 0.13, 5.3, 23.9, 30.2, 30.3, 96.5, 97.5, 98.5, 5000.0]))
    assert [AGES[n] for n in nodes] == [0.0, 0.25, 5.25, 24.0, 30.0, 30.5, 97.0, 98.0, 99.0, LAST_AGE]


def numbered(kits: int) -> StrokeMemory:
    """A memory whose latent of a node is (its place among all strokes, its velocity node, its age's node, 1)."""
    memory = StrokeMemory(kits, torch.zeros(1, 1, 4))
    strokes, nodes = kits * N_LANES * len(VELOCITIES), 200
    first = 1 + nodes * torch.arange(strokes)
    where = torch.arange(strokes * nodes)
    latents = torch.stack([where // nodes, where // nodes % len(VELOCITIES), where % nodes, torch.ones_like(where)], 1)
    memory.first, memory.last = first.int(), (first + nodes - 1).int()
    latents[::nodes] = 0  # node 0 is silence
    table = torch.cat([torch.zeros(1, 4), latents.float()])
    memory.codes = torch.arange(len(table))[:, None]
    memory.codebooks = table[None]
    memory.update_statistics()
    return memory


def test_a_lone_stroke_is_recalled_as_learnt():
    memory = numbered(kits=2)
    grid = grid_of((2.0, 4, 0.625), (10.0, 7, 1.0))
    kits, shares = torch.tensor([[1]]), torch.ones(1, 1)
    heard = memory(grid, memory.voices(kits, shares))[0]
    stroke = (1 * N_LANES + 4) * len(VELOCITIES) + 5
    np.testing.assert_allclose(heard[2:8], [[stroke, 5, 4 * age, 1] for age in range(1, 7)], rtol=1e-3)
    other = (1 * N_LANES + 7) * len(VELOCITIES) + 8
    np.testing.assert_allclose(heard[30], [stroke + other, 13, AGES.index(29.0) + AGES.index(21.0), 2], rtol=1e-3)
    assert not heard[:2].any()


def test_between_two_velocities_both_are_heard_in_proportion():
    memory = numbered(kits=1)
    heard = memory(grid_of((2.0, 0, 0.3)), memory.voices(torch.tensor([[0]]), torch.ones(1, 1)))[0, 20]
    np.testing.assert_allclose(heard[[1, 3]], [0.3 * 8, 1], rtol=1e-3)
    softest = memory(grid_of((2.0, 0, 0.02)), memory.voices(torch.tensor([[0]]), torch.ones(1, 1)))[0, 20]
    np.testing.assert_allclose(softest[[1, 3]], [0, 1], atol=1e-3)


def test_windows_of_several_kits_read_their_own_and_a_morph_both():
    memory = numbered(kits=3)
    grid = grid_of((2.0, 4, 0.6)).expand(2, -1, -1)
    both = memory(grid, memory.voices(torch.tensor([[2], [0]]), torch.ones(2, 1)))
    for row, kit in zip(both, (2, 0), strict=True):
        torch.testing.assert_close(row, memory(grid[:1], memory.voices(torch.tensor([[kit]]), torch.ones(1, 1)))[0])
    morph = memory(grid[:1], memory.voices(torch.tensor([[2, 0]]), torch.tensor([[0.25, 0.75]])))[0]
    torch.testing.assert_close(morph, 0.25 * both[0] + 0.75 * both[1])


def test_a_checkpoint_brings_as_many_strokes_as_it_has():
    codec, predictor = tiny_networks()
    _, other = tiny_networks()
    other.memory.learn(*random_strokes(3, books=4, size=32, nodes=7))
    other.load_state_dict(predictor.state_dict())
    assert torch.equal(other.memory.codes, predictor.memory.codes)
    torch.testing.assert_close(other.memory.spread, predictor.memory.spread)
    assert codec.n_codebooks == other.memory.codes.shape[1]


def test_codes_of_strokes_are_those_of_the_sound_they_come_from():
    codec, _ = tiny_networks()
    kit = ToyKit().load()
    codes, first, last = stroke_codes(codec, [kit])
    assert first.shape == last.shape == (1, N_LANES, len(VELOCITIES)) and codes.shape[1] == codec.n_codebooks
    assert int(last.max()) < len(codes)
    take = Performance(make_hits([(0.0, 0, 1.0)]), bpm=120.0, duration=1.0)
    sound = torch.from_numpy(mix(kit, take, seed=0, start=0.0, frames=20 * HOP)).T[None]
    found = codec.encode(sound)[0]
    whole = [AGES.index(float(age)) for age in (1, 2, 5, 20)]
    assert torch.equal(codes[first[0, 0, -1] + torch.tensor(whole)].long(), found[[0, 1, 4, 19]])
    silent = codec.encode(torch.zeros(1, 2, 64 * HOP))[0, -1]
    assert torch.equal(codes[last[0, 0, -1]].long(), silent) and torch.equal(codes[0].long(), silent)


def test_strokes_that_are_the_same_are_kept_once():
    codec, _ = tiny_networks()
    kit = ToyKit().load()
    one, two = stroke_codes(codec, [kit]), stroke_codes(codec, [kit, kit])
    assert torch.equal(one.codes, two.codes) and torch.equal(two.first[0], two.first[1])
