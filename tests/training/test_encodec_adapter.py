"""EnCodec behind our interface, with random weights saved to a file as the published ones are."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

from ghostnote.errors import InputError, MissingError  # noqa: E402
from training.codecs.encodec_adapter import RELEASES, encodec_network, load_encodec  # noqa: E402
from training.codecs.interface import Codec  # noqa: E402

SHAPES = {"24khz": (24_000, 320, 8, 1024), "32khz": (32_000, 640, 4, 2048)}


@pytest.fixture(scope="module", params=list(RELEASES))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def folder(name, tmp_path_factory):
    path = tmp_path_factory.mktemp(name)
    state = encodec_network(name).state_dict()
    torch.save({"best_state": state, "xp.cfg": "text"} if name == "32khz" else state, path / RELEASES[name].file)
    return path


def test_it_is_a_codec_of_the_published_sizes(name, folder):
    codec = load_encodec(name, folder)
    assert isinstance(codec, Codec) and codec.channels == 1
    assert (codec.sample_rate, codec.hop, codec.n_codebooks, codec.codebook_size) == SHAPES[name]


def test_codes_have_one_row_a_begun_hop_and_decode_to_whole_hops(name, folder):
    codec = load_encodec(name, folder)
    codes = codec.encode(torch.randn(2, 1, 3 * codec.hop + 1))
    assert codes.shape == (2, 4, codec.n_codebooks) and codes.dtype == torch.int64
    assert int(codes.min()) >= 0 and int(codes.max()) < codec.codebook_size
    assert codec.decode(codes).shape == (2, 1, 4 * codec.hop)


def test_the_same_file_gives_the_same_sound(name, folder):
    one, other = load_encodec(name, folder), load_encodec(name, folder / RELEASES[name].file)
    codes = torch.arange(5 * one.n_codebooks).reshape(1, 5, -1)
    torch.testing.assert_close(one.decode(codes), other.decode(codes))


def test_absent_weights_name_the_file_to_fetch(name, tmp_path):
    with pytest.raises(MissingError, match=RELEASES[name].file):
        load_encodec(name, tmp_path)


def test_files_that_are_something_else_are_named(tmp_path):
    (tmp_path / "text.th").write_text("not weights")
    with pytest.raises(InputError, match=r"text\.th does not hold the weights"):
        load_encodec("24khz", tmp_path / "text.th")
    torch.save(encodec_network("24khz").state_dict(), tmp_path / "other.bin")
    with pytest.raises(InputError, match="EnCodec 32khz"):
        load_encodec("32khz", tmp_path / "other.bin")


def test_unknown_names_bandwidths_and_stereo_are_refused_with_the_choices(tmp_path):
    with pytest.raises(InputError, match="choose 24khz or 32khz"):
        load_encodec("48khz", tmp_path)
    torch.save(encodec_network("24khz").state_dict(), tmp_path / RELEASES["24khz"].file)
    with pytest.raises(InputError, match=r"choose 1\.5, 3, 6, 12, 24"):
        load_encodec("24khz", tmp_path, bandwidth=7)
    with pytest.raises(InputError, match=r"expected \[batch, 1, frames\]"):
        load_encodec("24khz", tmp_path).encode(torch.zeros(1, 2, 640))
