"""Export: graphs that compute what the networks do, the files of a bundle, precisions, and what is refused."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

torch = pytest.importorskip("torch", reason="export needs the extra 'train'")
onnx = pytest.importorskip("onnx", reason="export needs the extra 'train'")

from safetensors.torch import save_file  # noqa: E402

from cli.main import run  # noqa: E402
from export.bundle_writer import export_bundle  # noqa: E402
from export.graphs import CONDITION, tracings  # noqa: E402
from export.levels import Levels  # noqa: E402
from export.parity import Parity, difference, run_network  # noqa: E402
from export.precision import fold, quantise, store_half  # noqa: E402
from ghostnote.errors import BundleError, InputError  # noqa: E402
from ghostnote.files.bundle import KitInfo, load_manifest  # noqa: E402
from ghostnote.files.groove import read_groove_file  # noqa: E402
from ghostnote.music.articulations import PIECES  # noqa: E402
from ghostnote.music.grid import build_grid, hop_events  # noqa: E402
from ghostnote.music.performance import Performance, make_hits  # noqa: E402
from server.render.networks import Networks  # noqa: E402
from server.render.renderer import load_renderer  # noqa: E402
from tests.support.hits import playing  # noqa: E402
from tests.support.paths import ROOT, TINY  # noqa: E402
from tests.support.tiny_bundle import KITS, make, tiny_facts, tiny_networks  # noqa: E402


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return make(tmp_path_factory.mktemp("bundles") / "tiny")


def test_the_committed_bundle_is_what_its_script_writes(report):
    committed, written = ((folder / "manifest.toml").read_text().splitlines() for folder in (TINY, report.folder))
    assert [line for line in written if "sha256" not in line] == [line for line in committed if "sha256" not in line]
    assert (report.folder / "README.md").read_text() == (TINY / "README.md").read_text()
    for name, value in np.load(TINY / "snapshot.npz").items():
        np.testing.assert_allclose(np.load(report.folder / "snapshot.npz")[name], value, atol=1e-5)


def test_every_output_of_every_graph_is_compared_and_within_rounding(report):
    names = {(p.graph, p.tensor) for p in report.parity}
    for graph in report.manifest.graphs:
        assert {(graph.role, f"{tensor.name}_next") for tensor in graph.state} <= names
    assert {("condition", name) for name in CONDITION} <= names
    assert {("predictor", "codes"), ("decoder", "audio")} <= names
    assert all(p.holds for p in report.parity)
    assert max(p.error for p in report.parity if p.tensor != "codes") < 1e-4


def test_the_snapshot_is_what_the_graphs_give(report):
    arrays = dict(np.load(report.folder / "snapshot.npz").items())
    for graph in report.manifest.graphs:
        session = ort.InferenceSession(report.folder / graph.file)
        given = {key.split("/")[2]: key for key in arrays if key.startswith(("condition/out/", f"{graph.role}/in/"))}
        inputs = {entry.name: arrays[given[entry.name]] for entry in session.get_inputs()}
        for entry, value in zip(session.get_outputs(), session.run(None, inputs), strict=True):
            np.testing.assert_allclose(value, arrays[f"{graph.role}/out/{entry.name}"], atol=1e-5)


def test_the_renderer_plays_what_the_networks_would(report):
    """The pieces of a groove through the torch networks at once, and through the renderer hop by hop."""
    codec, predictor = tiny_networks()
    performance = read_groove_file(ROOT / "presets" / "grooves" / "pocket_funk.toml")
    renderer = load_renderer(report.folder, temperature=0.0)
    rows, books, size = 300, codec.n_codebooks, codec.codebook_size
    events = hop_events(performance, rows, hop=renderer.hop, sample_rate=renderer.sample_rate)
    assert events[0].hits
    sound = np.concatenate([renderer.render([one]) for one in events])
    expected = np.zeros_like(sound)
    heard = performance.between(0, rows * codec.hop / codec.sample_rate)
    for piece in heard.pieces:
        take = heard.only(piece)
        start = int(take.hits["time"][0] * codec.sample_rate) // codec.hop
        grid = build_grid(take, rows - start, hop=codec.hop, sample_rate=codec.sample_rate, start=start)
        grid = torch.from_numpy(grid[None])
        with torch.no_grad():
            condition = predictor.condition(torch.eye(len(KITS))[:1], torch.zeros(1, dtype=torch.long))
            none, state = torch.zeros(1, rows - start, books, size), predictor.initial_state(1, grid)
            codes, _ = predictor.step(grid, condition, torch.zeros(books), none, state)
            expected[start * codec.hop :] += codec.decode(codes)[0].numpy().T
    difference_db = 10 * np.log10(np.mean((sound - expected) ** 2) / np.mean(expected**2) + 1e-12)
    assert difference_db < -60


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_one_hop_a_call_gives_the_same_as_many(tmp_path, precision, monkeypatch):
    monkeypatch.setattr("export.quality.MAX_DISTANCE", 9.0)  # untrained networks may sound as they like
    renderer = load_renderer(make(tmp_path / "b", precision).folder)
    whole = renderer.render(playing(60))
    renderer.reset()
    live = np.concatenate([renderer.render([one]) for one in playing(60)])
    np.testing.assert_allclose(live, whole, atol=1e-5)


@pytest.mark.parametrize("batch_rows", [(1, 1), (1, 9), (4, 1), (3, 33)])
def test_passes_and_hops_are_free(report, batch_rows):
    batch, rows = batch_rows
    codec, predictor = tiny_networks()
    for tracing in tracings(codec, predictor, len(KITS), 2, batch=batch, rows=rows):
        outputs = run_network(tracing)
        session = ort.InferenceSession(report.folder / f"{tracing.role}.onnx")
        found = session.run(tracing.output_names, {name: value.numpy() for name, value in tracing.inputs.items()})
        for name, value in zip(tracing.output_names, found, strict=True):
            assert Parity(tracing.role, name, value.shape, difference(name, outputs[name], value)).holds, name


def processor_flags() -> set[str]:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return set(next((line for line in lines if line.startswith("flags")), "").split())


@pytest.mark.skipif(
    "avx512_vnni" not in processor_flags() or "amx_int8" in processor_flags(),
    reason="looked into on processors with AVX-512 VNNI and without AMX only",
)
@pytest.mark.parametrize(("width", "out"), [(64, 192), (576, 384), (256, 1024)])
def test_products_in_8_bits_round_one_row_as_they_round_many(tmp_path, width, out):
    """Of the sizes of networks that ship; those of the tests are too small to tell."""
    torch.manual_seed(0)
    path, rows = tmp_path / "product.onnx", torch.randn(1, 24, width)
    product = torch.nn.Linear(width, out, bias=False)
    torch.onnx.export(
        product, (rows,), path, input_names=["rows"], dynamic_axes={"rows": {1: "n"}},
        dynamo=False,
    )  # fmt: skip
    fold(path)
    quantise(path)
    session = ort.InferenceSession(path)
    (whole,) = session.run(None, {"rows": rows.numpy()})
    error = np.abs(whole - product(rows).detach().numpy())
    assert 0 < error.max() < 0.1, "8 bits"
    for size in (1, 2, 3, 5, 9):
        parts = [session.run(None, {"rows": part.numpy()})[0] for part in rows.split(size, dim=1)]
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_half_precision_takes_half_the_room_and_stays_within_rounding(report, tmp_path):
    half = make(tmp_path / "half", "fp16")
    assert half.manifest.precision == "fp16"
    for graph in half.manifest.graphs:
        full = onnx.load(report.folder / graph.file)
        weights = sum(np.prod(tensor.dims) * 4 for tensor in full.graph.initializer if tensor.data_type == 1)
        assert half.sizes[graph.file] < report.sizes[graph.file] - 0.35 * weights
    assert all(p.holds for p in half.parity)
    assert half.cost is not None
    assert half.cost.passes
    assert Networks(half.folder).manifest == half.manifest


def test_storing_in_half_precision_never_changes_a_value(report, tmp_path):
    """Weights that fp16 cannot hold exactly are left alone."""
    path = tmp_path / "decoder.onnx"
    path.write_bytes((report.folder / "decoder.onnx").read_bytes())
    store_half(path)
    arrays = dict(np.load(report.folder / "snapshot.npz").items())
    inputs = {key.split("/")[2]: value for key, value in arrays.items() if key.startswith("decoder/in/")}
    before = ort.InferenceSession(report.folder / "decoder.onnx").run(["audio"], inputs)[0]
    assert np.array_equal(ort.InferenceSession(path).run(["audio"], inputs)[0], before)


def test_int8_is_written_only_if_it_is_not_heard(tmp_path):
    target = tmp_path / "int8"
    try:
        done = make(target, "int8")
    except BundleError as error:
        assert "int8 changes the sound too much" in str(error)
        assert not target.exists()
    else:
        assert done.cost.passes
        assert np.isfinite(load_renderer(target).render(playing(20))).all()


def test_a_network_that_the_graph_does_not_match_is_refused(tmp_path, monkeypatch):
    codec, predictor = tiny_networks()
    monkeypatch.setattr("export.parity.TOLERANCE", 0.0)
    with pytest.raises(BundleError, match="do not compute what the networks do"):
        export_bundle(codec, predictor, tiny_facts(), tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_is_replaced_but_no_other_folder(report, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "song.txt").write_text("keep me")
    with pytest.raises(InputError, match="not empty and no bundle"):
        make(tmp_path / "mine")
    assert (tmp_path / "mine" / "song.txt").read_text() == "keep me"
    make(tmp_path / "b", "fp16")
    assert make(tmp_path / "b").manifest == load_manifest(tmp_path / "b") == report.manifest
    with pytest.raises(InputError, match="no precision 'fp8'"):
        make(tmp_path / "c", "fp8")


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint as `ghostnote train` writes it, with the tiny networks."""
    codec, predictor = tiny_networks()
    tensors = {f"codec.{k}": v for k, v in codec.state_dict().items()}
    tensors |= {f"predictor.{k}": v for k, v in predictor.state_dict().items()}
    kits = [asdict(KitInfo(name, name.title(), "toy", "CC0 1.0", "nobody")) for name in KITS]
    facts = {
        "kits": kits, "drummers": 2, "step": 7, "minutes": 1.5, "measures": {"sc": 0.9}, "run": {"task": "live"},
        "tables": {"model": asdict(predictor.config), "codec_model": asdict(codec.config)}, "recipe": "tiny",
    }  # fmt: skip
    path = tmp_path / "best.safetensors"
    save_file({k: v.contiguous().clone() for k, v in tensors.items()}, path, {"ghostnote": json.dumps(facts)})
    return path


def test_the_command_exports_a_checkpoint_with_its_facts(checkpoint, tmp_path, capsys):
    out = tmp_path / "mine"
    assert run(["export", str(checkpoint), "-o", str(out), "--precision", "fp32", "--machine", "a test"]) == 0
    printed = capsys.readouterr().out
    assert "predictor.onnx" in printed
    assert "audio" in printed
    manifest = load_manifest(out)
    assert (manifest.name, manifest.drummers, manifest.training.machine) == ("mine", ("any", "drummer1"), "a test")
    assert manifest.training.minutes == 1.5
    assert manifest.training.steps == {"predictor": 7.0}
    assert manifest.metrics == {"sc (unseen windows)": 0.9}
    card = (out / "README.md").read_text()
    assert "| alpha | Alpha | toy | CC0 1.0 | nobody |" in card
    assert "Groove MIDI Dataset" in card
    assert np.isfinite(load_renderer(out).render(playing(10))).all()


def test_the_command_says_what_is_wrong_with_a_checkpoint(tmp_path, capsys):
    (tmp_path / "x.safetensors").write_bytes(b"nonsense")
    assert run(["export", str(tmp_path / "x.safetensors"), "-o", str(tmp_path / "b")]) == 2
    assert "is not a checkpoint of ours" in capsys.readouterr().err


def test_kits_are_brought_to_the_level_of_their_models(monkeypatch):
    monkeypatch.setattr("export.levels.LARGEST_DB", 100.0)
    codec, predictor = tiny_networks()
    kits = [SineKit(0.1), SineKit(0.3), SineKit(0.0)]
    monkeypatch.setattr("training.data.windows.mix", lambda kit, take, *, seed, start, frames: kit.sound(frames))
    takes = [Performance(make_hits([(t / 4, 0, 0.8) for t in range(40)]), duration=10.0)]
    levels = Levels(codec, predictor, takes, windows=3)
    soft, loud, silent = (levels.even(info, kit, n) for n, (info, kit) in enumerate(zip(infos(), kits, strict=True)))
    kick = PIECES.index("kick")
    assert loud.piece_db[kick] - soft.piece_db[kick] == pytest.approx(20 * np.log10(3), abs=3)
    assert [gain for index, gain in enumerate(soft.piece_db) if index != kick] == [0.0] * 8, "nobody plays them"
    assert soft.gain_db == pytest.approx(0, abs=0.02), "nothing is left to do for one piece alone"
    assert not silent.gain_db and not any(silent.piece_db), "a silent kit says nothing"


def infos() -> list[KitInfo]:
    return [KitInfo(name, name) for name in KITS]


class SineKit:
    """A kit that sounds on at one level, whatever is played."""

    sample_rate = 48000

    def __init__(self, level):
        self.level = level

    def sound(self, frames):
        tone = self.level * np.sin(np.arange(frames) * 0.05)
        return np.stack([tone, tone], axis=1).astype(np.float32)
