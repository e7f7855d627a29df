"""The loop: a tiny codec and predictor train in seconds, and a resumed run equals one that was not interrupted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

from ghostnote.errors import InputError, MissingError  # noqa: E402
from ghostnote.music.articulations import N_LANES  # noqa: E402
from ghostnote.music.performance import Performance, make_hits  # noqa: E402
from training.checkpoints import load_codec, read_weights, write_half  # noqa: E402
from training.data.pack import Pack, write_pack  # noqa: E402
from training.data.strokes import (  # noqa: E402
    RecordedStroke,
    StrokeSource,
    StrokeWindowConfig,
    held_out,
    load_strokes,
    save_strokes,
    with_rest,
)
from training.recipe import load_recipe  # noqa: E402
from training.start import start  # noqa: E402

RECIPES = Path(__file__).resolve().parents[2] / "training" / "recipes"


def performance(split: str, seed: int) -> Performance:
    rng = np.random.default_rng(seed)
    rows = [(float(t), int(rng.integers(N_LANES)), float(rng.uniform(0.2, 1))) for t in np.arange(0.1, 4, 0.2)]
    return Performance(make_hits(rows), duration=4.2, split=split, drummer="drummer3", name=f"{split}{seed}")


@pytest.fixture(scope="module")
def pack_path(tmp_path_factory, kits_folder):
    path = tmp_path_factory.mktemp("pack") / "train.npz"
    write_pack(path, [performance("train", 1), performance("train", 2), performance("validation", 3)], kits_folder)
    return path


@pytest.fixture(scope="module")
def kits_folder(tmp_path_factory):
    """One small kit written here: a decaying noise for every articulation."""
    import soundfile

    from ghostnote.music.articulations import ARTICULATIONS

    folder = tmp_path_factory.mktemp("kits")
    (folder / "noise" / "samples").mkdir(parents=True)
    rng = np.random.default_rng(0)
    sound = rng.standard_normal(4800) * np.exp(-np.arange(4800) / 800) * 0.3
    soundfile.write(folder / "noise" / "samples" / "hit.wav", sound, 48000)
    layer = (
        "{ velocity_low = 1, velocity_high = 127, reference_velocity = 127, peak_db = -3.0, "
        'loudness_db = -12.0, samples = ["hit.wav"] }'
    )
    head = """id = "noise"
name = "Noise"
character = "decaying noise"
author = "the tests"
licence = "CC0-1.0"
channels = 1
sample_rate = 48000
codec = "WAV"
max_layers = 1
velocity_response = "square"
kit_gain_db = 0.0
"""
    body = "".join(f"\n[articulations.{a.name}]\nnote = {a.note}\nlayers = [\n  {layer},\n]\n" for a in ARTICULATIONS)
    (folder / "noise" / "kit.toml").write_text(head + body)
    return folder


@pytest.fixture(scope="module")
def strokes_path(tmp_path_factory):
    """Eight decaying noises, two of them for validation."""
    rng = np.random.default_rng(0)
    strokes = []
    for n in range(8):
        sound = rng.standard_normal((9000, 2)) * np.exp(-np.arange(9000) / (400 + 200 * n))[:, None] * 0.3
        split = "validation" if n % 4 == 0 else "train"
        strokes.append(RecordedStroke("noise", split, with_rest(sound.astype(np.float32))))
    path = tmp_path_factory.mktemp("strokes") / "strokes.npz"
    save_strokes(path, strokes)
    return path


def run(pack_path: Path, strokes_path: Path, folder: Path, phase=None, **changes):
    recipe = load_recipe(RECIPES / "tiny.toml")
    tables = {**recipe.tables, "strokes": {"file": str(strokes_path)}, **({"phase": phase} if phase else {})}
    torch.manual_seed(0)
    trainer = start(replace(recipe, run=replace(recipe.run, **changes), tables=tables), pack_path, folder)
    trainer.fit(lambda step, steps, logs: None)
    return trainer


def test_the_pack_gives_back_what_was_packed(pack_path):
    pack = Pack(pack_path)
    back = pack.performances()
    assert pack.kits == ["noise"] and [p.name for p in back] == ["train1", "train2"]
    np.testing.assert_array_equal(back[0].hits, performance("train", 1).hits)


def test_strokes_read_back_and_a_window_depends_on_seed_and_index_alone(strokes_path):
    strokes = load_strokes(strokes_path)
    assert [one.split for one in strokes].count("validation") == 2
    source = StrokeSource(strokes, StrokeWindowConfig(hops=30))
    a, b = source.batch(3, 4, 2), source.batch(3, 5, 1)
    assert torch.equal(a.audio[1], b.audio[0]) and torch.equal(a.rest[1], b.rest[0])
    assert not torch.equal(a.audio[0], a.audio[1])
    assert a.audio.shape == (2, 2, 30 * 256) and a.audio.abs().max() <= 1


def test_a_plain_source_gives_each_stroke_as_it_is(strokes_path):
    strokes = load_strokes(strokes_path)
    batch = StrokeSource(strokes, StrokeWindowConfig(hops=40), vary=False).batch(0, 0, 8)
    heard = batch.audio[3, :, :9000].numpy().T * 32768
    assert heard == pytest.approx(strokes[3].both[:, :2], abs=0.01)
    assert not batch.audio[3, :, 9000:].any()


def test_held_out_recordings_are_named_once_and_no_kit_loses_its_all():
    splits = held_out()
    assert len(splits) == 224 and set(splits.values()) == {"validation", "test"}


def test_the_codec_trains_and_is_read_back(pack_path, strokes_path, tmp_path):
    trainer = run(pack_path, strokes_path, tmp_path / "codec")
    assert trainer.step == 6
    codec = load_codec(tmp_path / "codec" / "best.safetensors")
    assert codec.config.latent == 8
    assert (tmp_path / "codec" / "log.csv").read_text().count("\n") == 3


def test_a_decoder_trained_further_keeps_the_codes(pack_path, strokes_path, tmp_path):
    first = run(pack_path, strokes_path, tmp_path / "first")
    weights = str(tmp_path / "first" / "best.safetensors")
    phase = {"decoder_only": True, "book_dropout": 0.0}
    further = run(pack_path, strokes_path, tmp_path / "further", phase=phase, start_from=weights, steps=3)
    kept, _ = read_weights(Path(weights))
    now = further.task.network.state_dict()
    assert all(torch.equal(now[name], kept[name]) for name in kept if name.startswith(("encoder", "quantizer")))
    assert any(not torch.equal(now[name], kept[name]) for name in kept if name.startswith("decoder"))
    assert first.step == 6


def test_a_resumed_run_equals_one_that_was_not_interrupted(pack_path, strokes_path, tmp_path):
    phase = {"adversarial_from": -1}
    straight = run(pack_path, strokes_path, tmp_path / "straight", phase=phase, steps=6, schedule="constant")
    run(pack_path, strokes_path, tmp_path / "cut", phase=phase, steps=4, schedule="constant")
    resumed = run(pack_path, strokes_path, tmp_path / "cut", phase=phase, steps=6, schedule="constant")
    assert resumed.step == 6
    for name, value in straight.task.network.state_dict().items():
        torch.testing.assert_close(resumed.task.network.state_dict()[name], value, msg=name)


def test_a_run_starts_from_kept_weights(pack_path, strokes_path, tmp_path):
    run(pack_path, strokes_path, tmp_path / "first")
    write_half(tmp_path / "first" / "best.safetensors", tmp_path / "half.safetensors")
    start_from = str(tmp_path / "half.safetensors")
    going_on = run(pack_path, strokes_path, tmp_path / "second", start_from=start_from, steps=1)
    kept, _ = read_weights(tmp_path / "half.safetensors")
    name = "decoder.wave.weight"
    torch.testing.assert_close(going_on.task.network.state_dict()[name], kept[name], atol=5e-3, rtol=0)


def test_what_is_wrong_with_a_recipe_is_said(tmp_path):
    with pytest.raises(MissingError, match="no recipe"):
        load_recipe(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text('[run]\ntask = "codec"\nsteps = 1\nbatch = 1\nlearning_rate = 1.0\nspeed = 3\n')
    with pytest.raises(InputError, match="unknown key speed"):
        load_recipe(tmp_path / "bad.toml")
