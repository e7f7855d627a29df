import pytest

from drummers.common.model_folder import FORMAT, MANIFEST, load_folder, write_folder
from ghostnote.errors import BundleError, MissingError


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "model"
    path.mkdir()
    (path / "body.onnx").write_bytes(b"no graph")
    write_folder(path, "groovegen", "a name", {"latent": 3}, training={"data": "none"}, metrics={"loss": 1.5})
    return path


def test_what_was_written_is_read(folder):
    model = load_folder(folder, "groovegen")
    assert (model.name, model.facts, model.metrics) == ("a name", {"latent": 3}, {"loss": 1.5})
    assert list(model.files) == ["body"]


def test_a_missing_or_foreign_folder_is_named(folder, tmp_path):
    with pytest.raises(MissingError, match="train-drummers groovegen"):
        load_folder(tmp_path / "nothing", "groovegen")
    with pytest.raises(BundleError, match="kind 'groovegen', and a continuation model"):
        load_folder(folder, "continuation")
    with pytest.raises(BundleError, match="no readable"):
        load_folder(tmp_path, "groovegen")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (f"format = {FORMAT}", f"format = {FORMAT + 1}", "newer than this program"),
        (f"format = {FORMAT}", "", "format is None"),
        ("kind =", "kinds =", "unknown key kinds"),
        ('name = "a name"', "name = 3", "name is 3"),
        ("[facts]", "[facts", "not a TOML file"),
    ],
)
def test_a_damaged_manifest_is_refused_in_one_line(folder, old, new, message):
    manifest = folder / MANIFEST
    manifest.write_text(manifest.read_text().replace(old, new, 1))
    with pytest.raises(BundleError, match=message) as caught:
        load_folder(folder, "groovegen")
    assert "\n" not in str(caught.value)


def test_a_graph_that_is_absent_changed_or_no_graph_is_refused(folder):
    model = load_folder(folder, "groovegen")
    with pytest.raises(BundleError, match="no graph 'head'"):
        model.session("head")
    with pytest.raises(BundleError, match="cannot be loaded"):
        model.session("body")
    (folder / "body.onnx").write_bytes(b"other")
    with pytest.raises(BundleError, match="not the file"):
        model.session("body")
    (folder / "body.onnx").unlink()
    with pytest.raises(BundleError, match="cannot read"):
        model.session("body")
