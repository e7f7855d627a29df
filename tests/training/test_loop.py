"""The loop: a tiny codec and predictor train in seconds, and a resumed run equals one that was not interrupted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

from ghostnote.errors import InputError, MissingError  # noqa: E402
from ghostnote.music.articulations import N_LANES, PIECE_OF_LANE  # noqa: E402
from ghostnote.music.grid import LANE_COLUMNS  # noqa: E402
from ghostnote.music.performance import Performance, make_hits  # noqa: E402
from training.checkpoints import load_checkpoint, load_codec, read_weights, write_half  # noqa: E402
from training.data.pack import Pack, write_pack  # noqa: E402
from training.data.windows import WindowConfig, WindowSource, drill  # noqa: E402
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


def run(recipe_name: str, pack_path: Path, folder: Path, **changes):
    recipe = load_recipe(RECIPES / recipe_name)
    torch.manual_seed(0)
    trainer = start(replace(recipe, run=replace(recipe.run, **changes)), pack_path, folder)
    trainer.fit(lambda step, steps, logs: None)
    return trainer


def test_the_pack_gives_back_what_was_packed(pack_path):
    pack = Pack(pack_path)
    back = pack.performances()
    assert pack.kits == ["noise"] and [p.name for p in back] == ["train1", "train2"]
    np.testing.assert_array_equal(back[0].hits, performance("train", 1).hits)


def test_a_window_depends_on_seed_and_index_alone(pack_path):
    pack = Pack(pack_path)
    source = WindowSource(pack.performances(), [pack.kit("noise")], WindowConfig(rows=20))
    a, b = source.batch(3, 4, 2), source.batch(3, 5, 1)
    assert torch.equal(a.audio[1], b.audio[0]) and torch.equal(a.grid[1], b.grid[0])


def test_drills_hold_strokes_of_the_lanes_asked_for():
    rng = np.random.default_rng(0)
    take = drill(rng, 3.0)
    assert len(take.hits) >= 1 and take.hits["time"].max() < 3.0
    assert set(drill(rng, 9.0, (4, 5)).hits["lane"].tolist()) == {4, 5}


def test_a_solo_window_is_of_one_piece(pack_path):
    pack = Pack(pack_path)
    source = WindowSource(pack.performances(), [pack.kit("noise")], WindowConfig(rows=60, solo_share=1.0))
    lanes = source.batch(1, 0, 24).grid[..., : N_LANES * LANE_COLUMNS].unflatten(-1, (N_LANES, LANE_COLUMNS))
    struck = lanes[..., 0].any(1)
    pieces = [{PIECE_OF_LANE[lane] for lane in np.flatnonzero(one)} for one in struck]
    assert max(len(one) for one in pieces) == 1 and len(set.union(*pieces)) > 2


def test_codec_then_predictor_train_and_are_read_back(pack_path, tmp_path):
    codec = run("tiny.toml", pack_path, tmp_path / "codec")
    assert codec.step == 6 and load_codec(tmp_path / "codec" / "best.safetensors").n_codebooks == 2
    recipe = (RECIPES / "tiny_live.toml").read_text() + f'\n[codec]\ncheckpoint = "{tmp_path}/codec/best.safetensors"\n'
    (tmp_path / "live.toml").write_text(recipe)
    start(load_recipe(tmp_path / "live.toml"), pack_path, tmp_path / "live").fit(lambda *_: None)
    codec_read, predictor, facts = load_checkpoint(tmp_path / "live" / "best.safetensors")
    assert [kit["id"] for kit in facts["kits"]] == ["noise"]
    assert torch.equal(codec_read.codebooks, predictor.codebooks)
    assert (tmp_path / "live" / "log.csv").read_text().count("\n") == 3


def test_a_resumed_run_equals_one_that_was_not_interrupted(pack_path, tmp_path):
    whole = run("tiny.toml", pack_path, tmp_path / "whole")
    run("tiny.toml", pack_path, tmp_path / "cut", steps=4, schedule="constant")
    straight = run("tiny.toml", pack_path, tmp_path / "straight", steps=6, schedule="constant")
    resumed = run("tiny.toml", pack_path, tmp_path / "cut", steps=6, schedule="constant")
    assert whole.step == resumed.step == 6
    for name, value in straight.task.network.state_dict().items():
        torch.testing.assert_close(resumed.task.network.state_dict()[name], value, msg=name)


def test_a_run_starts_from_kept_weights(pack_path, tmp_path):
    run("tiny.toml", pack_path, tmp_path / "first")
    write_half(tmp_path / "first" / "best.safetensors", tmp_path / "half.safetensors")
    going_on = run("tiny.toml", pack_path, tmp_path / "second", start_from=str(tmp_path / "half.safetensors"), steps=1)
    kept, _ = read_weights(tmp_path / "half.safetensors")
    name = "decoder.head.weight"
    torch.testing.assert_close(going_on.task.network.state_dict()[name], kept[name], atol=5e-3, rtol=0)


def test_what_is_wrong_with_a_recipe_is_said(tmp_path):
    with pytest.raises(MissingError, match="no recipe"):
        load_recipe(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text('[run]\ntask = "codec"\nsteps = 1\nbatch = 1\nlearning_rate = 1.0\nspeed = 3\n')
    with pytest.raises(InputError, match="unknown key speed"):
        load_recipe(tmp_path / "bad.toml")
