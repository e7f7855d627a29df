"""The paper's baselines: network, windows, training step and checkpoint."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

import soundfile  # noqa: E402
import tomli_w  # noqa: E402
from lightning_fabric import Fabric  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from ghostnote.errors import InputError  # noqa: E402
from ghostnote.music.articulations import ARTICULATIONS, LANE_OF_NAME, N_LANES  # noqa: E402
from ghostnote.music.grid import N_COLUMNS, build_grid  # noqa: E402
from ghostnote.music.performance import Performance, make_hits  # noqa: E402
from sampler.kit import load_kit_from_files  # noqa: E402
from training.codecs.struck_codec import StruckCodec, StruckConfig  # noqa: E402
from training.data.pack import write_pack  # noqa: E402
from training.data.paper_windows import PaperSource, paper_windows, row_count  # noqa: E402
from training.paper_task import PaperTask, load_paper, parts_by_length  # noqa: E402
from training.predictors.paper import PaperConfig, PaperPredictor  # noqa: E402
from training.recipe import Recipe, RunConfig, load_recipe  # noqa: E402
from training.start import start  # noqa: E402

TINY = {"width": 16, "layers": 1, "heads": 2, "dropout": 0.0}
CODEC = {"latent": 8, "books": 2, "book_size": 16, "encoder_width": 8, "encoder_hidden": 8, "encoder_blocks": 1}
CODEC |= {"decoder_width": 8, "decoder_hidden": 8, "decoder_blocks": 1}


def take(bpm: float, seconds: float, seed: int = 0) -> Performance:
    rng = np.random.default_rng(seed)
    rows = [(float(t), int(rng.integers(N_LANES)), float(rng.uniform(0.3, 1))) for t in np.arange(0.1, seconds, 0.11)]
    return Performance(make_hits(rows), bpm=bpm, duration=seconds, drummer="drummer4", kind="beat")


@pytest.fixture(scope="module")
def kit_files() -> dict[str, bytes]:
    sound, file = np.random.default_rng(0).uniform(-0.3, 0.3, 6000).astype(np.float32), io.BytesIO()
    soundfile.write(file, sound, 48000, format="WAV", subtype="FLOAT")
    layer = {"velocity_low": 1, "velocity_high": 127, "reference_velocity": 127, "peak_db": -3.0, "loudness_db": -12.0}
    one = {"layers": [{**layer, "samples": ["hit.wav"]}]}
    table = {"id": "toy", "name": "Toy", "character": "noise", "author": "a test", "licence": "CC0-1.0", "channels": 1}
    table |= {"velocity_response": "square", "articulations": {a.name: {"note": a.note, **one} for a in ARTICULATIONS}}
    return {"toy/kit.toml": tomli_w.dumps(table).encode(), "toy/samples/hit.wav": file.getvalue()}


@pytest.fixture(scope="module")
def kit(kit_files):
    return load_kit_from_files(kit_files, "toy", 48000)


@pytest.fixture(scope="module")
def codec_path(tmp_path_factory):
    torch.manual_seed(0)
    codec = StruckCodec(StruckConfig(**CODEC))
    codec(torch.randn(4, 2, 256 * 40))  # the first batch sets the codebooks
    path = tmp_path_factory.mktemp("codec") / "best.safetensors"
    facts = {"run": {"task": "codec"}, "tables": {"model": CODEC}}
    save_file(codec.state_dict(), path, {"ghostnote": json.dumps(facts)})
    return path


def task_of(codec_path, **tables) -> PaperTask:
    run = RunConfig("paper", 10, 3, 3e-3, schedule="constant", weight_decay=0.0, ema=0.0, precision="32-true")
    return PaperTask(Recipe("tiny", run, {"model": TINY, **tables}), 1, codec_path)


def test_base_and_large_have_the_papers_sizes():
    with torch.device("meta"):
        base = PaperPredictor(PaperConfig(), 44, 10, 4, 2048)
        large = PaperPredictor(PaperConfig(width=1536, layers=10, heads=12), 44, 10, 4, 2048)
    assert sum(p.numel() for p in base.parameters()) / 1e6 == pytest.approx(52.0, abs=0.1)
    assert sum(p.numel() for p in large.parameters()) / 1e6 == pytest.approx(302.4, abs=0.1)


def test_the_network_is_post_norm_without_a_final_norm_and_embeds_with_unit_variance():
    network = PaperPredictor(PaperConfig(), 44, 10, 2, 16)
    assert not network.encoder.layers[0].norm_first and network.encoder.norm is None
    assert float(network.position.weight.detach().std()) == pytest.approx(1, abs=0.01)


def test_padding_does_not_change_the_window_itself():
    network = PaperPredictor(PaperConfig(**TINY), 2, 2, 2, 16).eval()
    one, grid, beat = torch.ones(1, dtype=torch.int64), torch.randn(1, 20, 34), torch.zeros(1, 20, dtype=torch.int64)
    alone = network(grid, beat, torch.tensor([100.0]), one, one)
    outside = torch.arange(30)[None] >= 20
    longer = torch.nn.functional.pad(grid, (0, 0, 0, 10), value=3.0)
    padded = network(longer, torch.zeros(1, 30, dtype=torch.int64), torch.tensor([100.0]), one, one, outside)
    torch.testing.assert_close(alone, padded[:, :20])


def test_pad_is_rendered_as_code_zero_and_too_long_windows_are_named():
    network = PaperPredictor(PaperConfig(**TINY, positions=8), 2, 2, 2, 16)
    scores = torch.zeros(1, 3, 2, 17)
    scores[0, 0, :, 16] = scores[0, 1, 0, 5] = 1
    assert network.codes(scores)[0].tolist() == [[0, 0], [5, 0], [0, 0]]
    one = torch.ones(1, dtype=torch.int64)
    with pytest.raises(InputError, match="9 rows"):
        network(torch.zeros(1, 9, 34), torch.zeros(1, 9, dtype=torch.int64), torch.ones(1), one, one)
    with pytest.raises(InputError, match="grid 'other'"):
        PaperConfig(grid="other")


def test_windows_start_at_zero_do_not_overlap_and_hold_a_hit():
    performance = Performance(make_hits([(0.5, 0, 1.0), (5.0, 0, 1.0)]), bpm=120.0, duration=7.9)
    assert paper_windows(performance) == [0.0, 4.0]


def test_only_beats_are_trained_on_and_a_window_follows_from_seed_and_number(kit):
    fill = Performance(make_hits([(0.1, 0, 1.0)]), duration=3.0, kind="fill")
    source = PaperSource([take(120, 5), fill, take(170, 4, 1)], [kit], hop=256, grid="paper", window_bug=True)
    assert len(source.windows) == 2 + 2
    one, again = source.batch(5, 7, 4), source.batch(5, 9, 2)
    torch.testing.assert_close(one.grid[2:, : again.grid.shape[1]], again.grid)
    assert one.rows.tolist() == [row_count(float(b), 256, 48000) for b in one.bpm]
    assert one.audio.shape == (4, 2, int(one.rows.max()) * 256)
    assert one.kit.tolist() == [1] * 4 and one.drummer.tolist() == [4] * 4
    with pytest.raises(InputError, match="no performance"):
        PaperSource([fill], [kit], hop=256, grid="paper", window_bug=True)


def test_the_lane_state_grid_is_the_whole_takes_and_agrees_with_the_audio(kit):
    performance = Performance(make_hits([(2.5, LANE_OF_NAME["kick"], 1.0)]), bpm=100.0, duration=9.0, kind="beat")
    source = PaperSource([performance], [kit], hop=256, grid="lane-state", window_bug=False)
    batch = source.batch(0, 0, 1)
    start = round(2.4 * 48000 / 256)
    expected = build_grid(performance, int(batch.rows[0]), hop=256, sample_rate=48000, start=start)
    assert batch.grid.shape[-1] == N_COLUMNS
    np.testing.assert_array_equal(batch.grid[0].numpy(), expected)
    heard = int(np.flatnonzero(np.abs(batch.audio[0, 0].numpy()) > 0.01)[0])
    assert heard + start * 256 == pytest.approx(2.5 * 48000, abs=30)


def test_parts_hold_every_window_once_cut_to_their_longest(kit):
    source = PaperSource([take(90, 9), take(150, 9, 1)], [kit], hop=256, grid="paper", window_bug=True)
    batch = source.batch(0, 0, 6)
    parts = [part for _, part in parts_by_length(batch, 3)]
    assert sorted(float(b) for p in parts for b in p.bpm) == sorted(batch.bpm.tolist())
    assert all(p.grid.shape[1] == int(p.rows.max()) and p.audio.shape[-1] == 256 * p.grid.shape[1] for p in parts)


def test_training_lowers_the_loss_and_parts_do_not_change_the_gradient(kit, codec_path):
    source = PaperSource([take(120, 5), take(170, 5, 1)], [kit], hop=256, grid="paper", window_bug=True)
    batch, fabric = source.batch(0, 0, 3), Fabric(accelerator="cpu")
    curves = []
    for parts in (1, 3):
        task = task_of(codec_path, data={"parts": parts})
        task.prepare(fabric, 3e-3, 0.0)
        curves.append([task.step(fabric, batch, step, 1.0)["nll"] for step in range(8)])
    assert curves[0] == pytest.approx(curves[1], abs=1e-3)
    assert curves[0][-1] < curves[0][0] - 0.2
    logs, rendered = task.validate(batch)
    assert rendered.shape == batch.audio.shape and {"loss", "shuffled", "accuracy", "sc"} <= set(logs)
    assert logs["loss"] < 3 and 0 < logs["accuracy"] <= 1


def test_the_shipped_recipe_runs_in_the_loop_and_its_checkpoint_is_read_back(kit_files, codec_path, tmp_path):
    for name, content in kit_files.items():
        (tmp_path / "kits" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "kits" / name).write_bytes(content)
    takes = [replace(take(200, 3.0, n), split=split) for n, split in enumerate(("train", "train", "validation"))]
    write_pack(tmp_path / "pack.npz", takes, tmp_path / "kits")
    recipe = load_recipe(Path(__file__).resolve().parents[2] / "training" / "recipes" / "base_cpu.toml")
    recipe.tables.update(model=TINY, codec={"checkpoint": str(codec_path)})
    run = replace(recipe.run, steps=2, minutes=0.0, batch=2, workers=0, precision="32-true")
    trainer = start(replace(recipe, run=run), tmp_path / "pack.npz", tmp_path / "run")
    network, facts = load_paper(trainer.fit(lambda step, steps, logs: None))
    assert facts["step"] == 2 and facts["kits"][0]["id"] == "toy"
    torch.testing.assert_close(network.head.weight, trainer.task.network.head.weight.detach().cpu())


def test_a_checkpoint_is_read_back_with_its_configuration(codec_path, tmp_path):
    task = task_of(codec_path)
    facts = {"run": {"task": "paper"}, "tables": task.recipe.tables, "kits": [{"id": "toy"}], **task.facts}
    save_file(task.network.state_dict(), tmp_path / "b.safetensors", {"ghostnote": json.dumps(facts)})
    network, _ = load_paper(tmp_path / "b.safetensors")
    assert network.config.width == 16 and not network.training
    torch.testing.assert_close(network.head.weight, task.network.head.weight)
    with pytest.raises(InputError, match="task 'paper' is needed"):
        load_paper(codec_path)
