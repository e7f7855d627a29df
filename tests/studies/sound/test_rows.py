"""The rows of `ghostnote evaluate`: bundle, codec and the paper's network, on stand-ins made here."""

import json
from pathlib import Path

import numpy as np
import pytest

from ghostnote.errors import InputError, MissingError
from ghostnote.music.performance import Performance, make_hits
from studies.sound.bundle import BundleRender
from studies.sound.rows import ROWS, Sources, possible

HOP, RATE = 256, 48000
TAKE = Performance(
    make_hits([(0.3 * n, 0, (n % 9 + 1) / 10) for n in range(60)]),
    bpm=90,
    duration=18.0,
    drummer="drummer2",
    name="take",
)


class Stub:
    """A renderer whose sound is the velocity of the last hit, held: a state that shows whether windows join."""

    hop, sample_rate, channels, kits = HOP, RATE, 2, ("a", "b")

    def __init__(self) -> None:
        self.rendered, self.held, self.gain = 0, 0.0, 1.0

    def reset(self) -> None:
        self.held = 0.0

    def set_kit(self, weights) -> None:
        self.gain = {"a": 1.0, "b": 0.5}[next(iter(weights))]

    def render(self, events) -> np.ndarray:
        self.rendered += len(events)
        out = np.zeros((len(events) * HOP, 2), np.float32)
        for n, event in enumerate(events):
            for hit in event.hits:
                self.held = hit.velocity
            out[n * HOP : (n + 1) * HOP] = self.held * self.gain
        return out


def test_windows_equal_the_slices_of_the_whole_and_neighbours_are_rendered_once():
    stub = Stub()
    render = BundleRender(stub)
    length = 70_000
    parts = [render(TAKE, "a", n * length, (n + 1) * length) for n in range(5)]
    assert stub.rendered == -(-5 * length // HOP)
    np.testing.assert_array_equal(np.concatenate(parts), BundleRender(Stub())(TAKE, "a", 0, 5 * length))


def test_a_far_window_starts_with_context_and_a_new_kit_anew():
    stub, whole = Stub(), BundleRender(Stub())(TAKE, "a", 0, 800_000)
    render = BundleRender(stub)
    np.testing.assert_array_equal(render(TAKE, "a", 600_001, 650_000), whole[600_001:650_000])
    assert stub.rendered < 1000
    np.testing.assert_array_equal(render(TAKE, "b", 600_001, 650_000), 0.5 * whole[600_001:650_000])
    np.testing.assert_array_equal(render(TAKE, "b", 100_000, 150_000), 0.5 * whole[100_000:150_000])
    assert BundleRender(Stub())(TAKE, "a", 800_000, 900_000).shape == (100_000, 2)


def test_rows_without_their_checkpoint_are_left_out_or_name_the_option(tmp_path):
    alone = Sources(tmp_path)
    assert not {"base", "base-grid"} & set(possible(alone)) and {"silence", "sampler", "opus-24"} <= set(
        possible(alone)
    )
    for name, option in (("base", "--base"), ("base-grid", "--base-grid")):
        with pytest.raises(InputError, match=option):
            ROWS[name](alone)
    with pytest.raises(MissingError, match="no bundle 'none'"):
        possible(Sources(tmp_path, "none"))


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory) -> tuple[Path, Path]:
    """A tiny codec and a tiny paper network on it, untrained."""
    torch = pytest.importorskip("torch", reason="needs the extra 'train'")
    from safetensors.torch import save_file

    from training.codecs.struck_codec import StruckCodec, StruckConfig
    from training.predictors.paper import PaperConfig, PaperPredictor

    torch.manual_seed(0)
    sizes = {"latent": 8, "books": 2, "book_size": 16, "encoder_width": 8, "encoder_blocks": 1, "decoder_width": 8}
    codec, tiny = StruckCodec(StruckConfig(**sizes)), {"width": 16, "layers": 1, "heads": 2}
    codec(torch.randn(4, 2, HOP * 40))
    paper = PaperPredictor(PaperConfig(**tiny), 2, 11, 2, 16)
    folder = tmp_path_factory.mktemp("checkpoints")
    common = {"step": 1, "minutes": 0, "kits": [{"id": "a"}], "drummers": 11}
    facts = {"run": {"task": "codec", "batch": 1}, "tables": {"model": sizes}, **common}
    save_file(codec.state_dict(), folder / "codec.safetensors", {"ghostnote": json.dumps(facts)})
    facts = {"run": {"task": "paper", "batch": 1}, "tables": {"model": tiny, "codec_model": sizes}, **common}
    save_file(paper.state_dict(), folder / "base.safetensors", {"ghostnote": json.dumps(facts)})
    return folder / "codec.safetensors", folder / "base.safetensors"


def noise(performance: Performance, kit: str, start: int, stop: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((900_000, 2)).astype(np.float32)[start:stop] * 0.1


def test_base_gives_the_window_asked_for(checkpoints):
    from studies.sound.checkpoints import PaperModel, trained

    codec, base = checkpoints
    model = PaperModel(base, codec, noise)
    assert model.render(TAKE, "a", 200_001, 300_002).shape == (100_001, 2)
    scores = model.codes(TAKE, "a", 200_001, 300_002)
    assert 0 < scores["nll"] < 10 and 0 <= scores["accuracy"] < 0.5
    assert trained(base) == "1 steps of 1 windows, 0 minutes"
