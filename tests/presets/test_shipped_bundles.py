"""Every bundle in presets/bundles loads, computes its snapshot, fits into the repository and has enough kits."""

import numpy as np
import onnxruntime as ort
import pytest

from ghostnote.files.bundle import BUNDLES_DIR, MANIFEST, bundle_folder, load_manifest
from ghostnote.files.groove import read_groove_file
from ghostnote.music.grid import HopEvents, hop_events
from kits.store import list_kits
from server.files.offline import render_performance
from server.render.bundle import load_renderer
from tests.support.paths import ROOT

SHIPPED = sorted(path.parent for path in BUNDLES_DIR.glob(f"*/{MANIFEST}"))
MOST_BYTES = 40e6


@pytest.fixture(params=SHIPPED, ids=[path.name for path in SHIPPED])
def folder(request):
    return request.param


def test_its_graphs_give_its_snapshot(folder):
    arrays = dict(np.load(folder / "snapshot.npz").items())
    manifest = load_manifest(folder)
    for graph in manifest.graphs:
        session = ort.InferenceSession(folder / graph.file, providers=["CPUExecutionProvider"])
        given = {key.split("/")[2]: key for key in arrays if key.startswith(f"{graph.role}/in/")}
        inputs = {entry.name: arrays[given[entry.name]] for entry in session.get_inputs()}
        for entry, value in zip(session.get_outputs(), session.run(None, inputs), strict=True):
            expected = arrays[f"{graph.role}/out/{entry.name}"]
            if entry.name == "codes":
                assert np.mean(value != expected) <= 0.05
            else:
                np.testing.assert_allclose(value, expected, atol=1e-4, rtol=1e-4)


def test_it_has_a_model_card_and_a_licence(folder):
    manifest = load_manifest(folder)
    assert manifest.licence and manifest.codec in (folder / "README.md").read_text()


def test_twelve_kits_fit_it_each_with_licence_and_author(folder):
    kits, faults = list_kits(load_manifest(folder).codec)
    assert len(kits) >= 12 and not faults
    assert all(kit.character and kit.licence and kit.author for kit in kits)


def test_it_sounds_with_every_kit_and_is_silent_without_hits(folder):
    renderer = load_renderer(folder, threads=2)
    groove = read_groove_file(ROOT / "presets" / "grooves" / "pocket_funk.toml")
    hops = renderer.sample_rate // renderer.hop
    events = hop_events(groove, hops, hop=renderer.hop, sample_rate=renderer.sample_rate)
    for kit in renderer.kits:
        renderer.set_kit({kit: 1.0})
        renderer.reset()
        sound = renderer.render(events)
        assert np.isfinite(sound).all(), kit
        assert np.sqrt(np.mean(sound**2)) > 0.003, kit
        renderer.reset()
        assert not renderer.render([HopEvents()] * hops).any()


def test_live_is_file(folder):
    renderer = load_renderer(folder, threads=1)
    groove = read_groove_file(ROOT / "presets" / "grooves" / "pocket_funk.toml").between(0, 2)
    whole, live = (render_performance(renderer, groove, mode=mode).audio for mode in ("file", "live"))
    frames = int(1.9 * renderer.sample_rate)
    error = np.mean((live[:frames] - whole[:frames]) ** 2) / np.mean(whole[:frames] ** 2)
    assert 10 * np.log10(error + 1e-12) < -60


def test_together_they_fit_into_the_repository():
    sizes = {path.name: sum(file.stat().st_size for file in path.rglob("*")) for path in SHIPPED}
    assert sum(sizes.values()) <= MOST_BYTES, sizes


@pytest.mark.skipif(not SHIPPED, reason="no bundle is shipped yet")
def test_there_is_a_default():
    assert bundle_folder() in SHIPPED
