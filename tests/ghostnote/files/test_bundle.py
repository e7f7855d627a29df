"""Bundles: the manifest's TOML form, and that whatever is wrong with a bundle is one BundleError."""

import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.decoder import StrokeDecoder
from codec.encoder import StrokeEncoder
from ghostnote.errors import BundleError, MissingError
from ghostnote.files import bundle
from ghostnote.files.bundle import (
    FORMAT_VERSION,
    MANIFEST,
    bundle_folder,
    load_manifest,
    parse_manifest,
    write_manifest,
)
from tests.support.paths import TINY

TABLE = tomllib.loads((TINY / MANIFEST).read_text())


@pytest.fixture
def copy(tmp_path):
    return Path(shutil.copytree(TINY, tmp_path / "bundle"))


def test_a_written_manifest_reads_back_equal(copy):
    manifest = load_manifest(copy)
    other = replace(manifest, name="other", metrics={"sc": 0.5}, licence="CC0")
    write_manifest(other, copy)
    assert load_manifest(copy) == other


def test_the_networks_of_an_intact_bundle_load(copy):
    manifest = load_manifest(copy)
    assert manifest.name == "tiny"
    assert StrokeDecoder(copy / manifest.graph("decoder").file).rows == 0


def test_a_missing_manifest_and_a_missing_folder_are_named(copy):
    (copy / MANIFEST).unlink()
    with pytest.raises(BundleError, match="is not a bundle"):
        load_manifest(copy)
    with pytest.raises(BundleError, match="is not a bundle"):
        load_manifest(copy / "nowhere")


@pytest.mark.parametrize("role", ["encoder", "decoder"])
def test_a_missing_or_changed_graph_is_named(copy, role):
    path = copy / f"{role}.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(BundleError, match=rf"{role}\.onnx is not the file"):
        load_manifest(copy)
    path.unlink()
    with pytest.raises(BundleError, match=f"lacks its {role} graph"):
        load_manifest(copy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": FORMAT_VERSION + 1}, "update Ghostnote"),
        ({"format_version": "1"}, "not a Ghostnote bundle"),
        ({"format_version": True}, "not a Ghostnote bundle"),
        ({"format_version": 2}, "whose kits were part of the networks"),
        ({"hop": 128}, "this program plays"),
        ({"hop": 256.0}, "hop is '256.0', expected a whole number"),
        ({"surprise": 1}, "unknown key surprise"),
        ({"graphs": TABLE["graphs"][:1]}, "expected encoder, decoder"),
        ({"graphs": [{**TABLE["graphs"][0], "file": "../a.onnx"}, *TABLE["graphs"][1:]]}, "without a folder"),
    ],
)
def test_a_misfit_key_is_named(change, message):
    with pytest.raises(BundleError, match=message):
        parse_manifest({**TABLE, **change}, "manifest.toml")


OPTIONAL = ("precision", "licence", "attributions", "training", "metrics")


@pytest.mark.parametrize("key", [key for key in TABLE if key not in OPTIONAL])
def test_a_missing_key_is_named(key):
    with pytest.raises(BundleError, match=key):
        parse_manifest({name: value for name, value in TABLE.items() if name != key}, "manifest.toml")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_table_with_anything_anywhere_is_a_manifest_or_a_bundle_error(data):
    def mutate(node):
        if isinstance(node, dict | list) and node and data.draw(st.integers(0, 3)):
            keys = list(node) if isinstance(node, dict) else range(len(node))
            key = data.draw(st.sampled_from(list(keys)))
            changed = dict(node) if isinstance(node, dict) else list(node)
            changed[key] = mutate(node[key])
            return changed
        return data.draw(VALUES)

    table = mutate(TABLE)
    if not isinstance(table, dict):
        return
    try:
        assert parse_manifest(table, "manifest.toml").graphs
    except BundleError as error:
        assert "\n" not in str(error)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_manifest_file_is_a_manifest_or_a_bundle_error(tmp_path_factory, data):
    raw = bytearray((TINY / MANIFEST).read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    if data.draw(st.booleans()):
        del raw[at:]
    else:
        raw[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    folder = tmp_path_factory.mktemp("damaged", numbered=True)
    (folder / MANIFEST).write_bytes(raw)
    for graph in TABLE["graphs"]:
        (folder / graph["file"]).symlink_to(TINY / graph["file"])
    try:
        load_manifest(folder)
    except BundleError as error:
        assert str(folder) in str(error)


@given(st.data())
@settings(max_examples=25, deadline=None, derandomize=True)  # what reaches ONNX Runtime stays the same
def test_a_damaged_graph_with_a_fitting_checksum_loads_or_is_a_bundle_error(tmp_path_factory, data):
    folder = Path(shutil.copytree(TINY, tmp_path_factory.mktemp("graph") / "bundle"))
    graph = data.draw(st.sampled_from(load_manifest(folder).graphs))
    path = folder / graph.file
    raw = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        del raw[data.draw(st.integers(0, len(raw) - 1)) :]
    else:
        at = data.draw(st.integers(0, min(2000, len(raw) - 1)))
        raw[at : at + 4] = data.draw(st.binary(min_size=1, max_size=4))
    path.write_bytes(raw)
    manifest = load_manifest(TINY)
    graphs = tuple(replace(g, sha256=bundle.sha256_of(folder / g.file)) for g in manifest.graphs)
    write_manifest(replace(manifest, graphs=graphs), folder)
    try:
        StrokeDecoder(folder / load_manifest(folder).graph("decoder").file)
        StrokeEncoder(folder / load_manifest(folder).graph("encoder").file)
    except BundleError as error:
        assert "\n" not in str(error)


def test_graphs_in_each_other_s_place_are_refused(copy):
    with pytest.raises(BundleError, match="has no input"):
        StrokeDecoder(copy / "encoder.onnx")
    with pytest.raises(BundleError, match="does not run"):
        StrokeEncoder(copy / "decoder.onnx")


def test_a_bundle_is_found_by_name_by_folder_and_by_default(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle, "BUNDLES_DIR", tmp_path)
    with pytest.raises(MissingError, match="has no bundle"):
        bundle_folder()
    shutil.copytree(TINY, tmp_path / "one")
    assert bundle_folder() == bundle_folder("one") == tmp_path / "one"
    assert bundle_folder(TINY) == TINY
    shutil.copytree(TINY, tmp_path / "two")
    with pytest.raises(MissingError, match="one, two"):
        bundle_folder()
    shutil.copytree(TINY, tmp_path / "default")
    assert bundle_folder().name == "default"
    with pytest.raises(MissingError, match="no bundle 'three'"):
        bundle_folder("three")
