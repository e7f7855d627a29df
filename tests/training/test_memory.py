"""Strokes by heart: each age, place inside the hop and velocity of a lone stroke reads what the codec says of it."""

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

from ghostnote.articulations import N_LANES  # noqa: E402
from ghostnote.grid import build_grid  # noqa: E402
from ghostnote.performance import Performance, make_hits  # noqa: E402
from sampler.mix import mix  # noqa: E402
from tests.data.make_tiny_bundle import tiny_networks  # noqa: E402
from tests.sampler.conftest import ToyKit  # noqa: E402
from training.data.stroke_codes import stroke_codes  # noqa: E402
from training.predictors.memory import AGES, STROKES, VELOCITIES, StrokeMemory, last_hits, recall  # noqa: E402

HOP, RATE = 256, 48_000


def grid_of(*hits: tuple[float, int, float], rows: int = 60) -> Any:
    """Grid [1, rows, columns] of hits (hop, lane, velocity)."""
    take = Performance(make_hits([(h * HOP / RATE, lane, v) for h, lane, v in hits]), bpm=100.0, duration=1.0)
    return torch.from_numpy(build_grid(take, rows, hop=HOP, sample_rate=RATE)[None])


def test_ages_rise_from_silence():
    assert AGES[0] == 0 and AGES[-1] == 768 and np.all(np.diff(AGES) > 0)
    assert N_LANES * len(VELOCITIES) * len(AGES) == STROKES


@pytest.mark.parametrize("place", [0.0, 0.25, 0.6])
def test_the_grid_says_how_old_a_stroke_is(place: float):
    age, velocity = last_hits(grid_of((3 + place, 4, 0.8)))
    expected = np.arange(1, 58) - place
    np.testing.assert_allclose(age[0, 3:, 4], expected, rtol=0.03)
    np.testing.assert_allclose(velocity[0, 3:, 4], 0.8, atol=1e-3)
    assert not velocity[0, :3].any() and not velocity[0, :, :4].any()


def test_a_lone_stroke_is_recalled_as_learnt():
    """A memory whose latent is (kit, lane, velocity node, age): what is read is where it was read."""
    memory = StrokeMemory(2, torch.zeros(1, 4, 4))
    axes = (torch.arange(2.0), torch.arange(float(N_LANES)), torch.arange(4.0), torch.tensor(AGES))
    memory.latents.copy_(torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).flatten(1, 3))
    grid = grid_of((2.0, 4, 0.625), (10.0, 7, 1.0))
    heard = recall(grid, memory.of_kit(torch.tensor([[0.0, 1.0]]))).unflatten(-1, (N_LANES, 4))[0]
    np.testing.assert_allclose(heard[2:8, 4], [[1, 4, 1.5, age] for age in range(1, 7)], rtol=1e-3)
    np.testing.assert_allclose(heard[30, 7], [1, 7, 3, 21], rtol=1e-3)
    assert not heard[:10, 7].any() and not heard[:, 5].any()


def test_windows_of_several_kits_read_their_own():
    memory = StrokeMemory(3, torch.randn(1, 4, 4))
    memory.latents.normal_()
    grid = grid_of((2.0, 4, 0.6)).expand(2, -1, -1)
    kits = torch.tensor([2, 0])
    both = recall(grid, memory.latents, kits)
    for row, kit in zip(both, kits, strict=True):
        alone = recall(grid[:1], memory.of_kit(torch.eye(3)[kit : kit + 1]))
        torch.testing.assert_close(row, alone[0])


def test_codes_of_strokes_are_those_of_the_sound_they_come_from():
    codec, _ = tiny_networks()
    kit = ToyKit().load()
    codes = stroke_codes(codec, [kit])
    assert codes.shape == (1, N_LANES, len(VELOCITIES), len(AGES), codec.n_codebooks)
    take = Performance(make_hits([(0.0, 0, 1.0)]), bpm=120.0, duration=1.0)
    sound = torch.from_numpy(mix(kit, take, seed=0, start=0.0, frames=20 * HOP)).T[None]
    found = codec.encode(sound)[0]
    whole = [AGES.index(float(age)) for age in (1, 2, 5, 20)]
    assert torch.equal(codes[0, 0, -1, whole].long(), found[[0, 1, 4, 19]])
