"""Export: the graphs compute what the networks do, in one piece and atomically."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

from codec.decoder import StrokeDecoder, stroke_codes  # noqa: E402
from codec.encoder import StrokeEncoder  # noqa: E402
from codec.modes import dequantise, sound_modes  # noqa: E402
from export.bundle_writer import BundleFacts, codec_fingerprint, export_bundle  # noqa: E402
from ghostnote.errors import InputError  # noqa: E402
from ghostnote.files.bundle import load_manifest  # noqa: E402
from tests.support.tiny_bundle import tiny_codec  # noqa: E402


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "bundle"
    return export_bundle(tiny_codec(), BundleFacts("made"), folder, precision="fp32")


def test_parity_holds_for_every_output(exported):
    assert {p.tensor for p in exported.parity} == {"codes", "audio", "past_next", "tail_next", "knot_next"}
    assert all(p.holds for p in exported.parity)
    assert load_manifest(exported.folder) == exported.manifest


def test_the_exported_codec_is_the_network(exported):
    audio = 0.2 * np.random.default_rng(0).standard_normal((3000, 2)).astype(np.float32)
    codes, modes = StrokeEncoder(exported.folder / "encoder.onnx").encode(audio)
    decoder = StrokeDecoder(exported.folder / "decoder.onnx")
    decoder.begin([decoder.add(stroke_codes(codes, modes), (3, 5))])
    sound = decoder.decode(len(codes) - 1)[0]
    codec = tiny_codec()
    books = torch.arange(codec.config.books)
    latent = codec.codebooks[books, torch.from_numpy(codes.astype(np.int64))[None]].sum(-2)
    with torch.no_grad():
        said, _ = codec.decoder(latent, codec.decoder.initial_past(1, latent))
        wave, _ = codec.overlap(said, torch.zeros(1, 2, 256))
    mid = wave[0, 0, 256:].numpy() + sound_modes(dequantise(modes), len(sound))[:, 0]
    noise = sound.mean(axis=1) - mid
    gains = said.log_gains.exp()[0, 1:, 0].mean()
    assert 0.2 * float(gains) < noise.std() < 5 * float(gains)


def test_half_precision_is_half_the_size_and_still_exact(tmp_path, exported):
    half = export_bundle(tiny_codec(), BundleFacts("made"), tmp_path / "half")
    assert half.sizes["decoder.onnx"] < 0.6 * exported.sizes["decoder.onnx"]
    assert all(p.holds for p in half.parity)
    assert half.manifest.codec == exported.manifest.codec


def test_other_codebooks_are_another_codec():
    assert codec_fingerprint(tiny_codec(1)) != codec_fingerprint(tiny_codec(0)) == codec_fingerprint(tiny_codec(0))


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty and not a bundle"):
        export_bundle(tiny_codec(), BundleFacts("made"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_unknown_precision_is_refused(tmp_path):
    with pytest.raises(InputError, match="no precision 'int4'"):
        export_bundle(tiny_codec(), BundleFacts("made"), tmp_path / "x", precision="int4")
