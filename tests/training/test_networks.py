"""Networks: hop by hop equals whole, the decoder is causal, sampling follows the logits, dead codes come back."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

from ghostnote.music.articulations import N_LANES  # noqa: E402
from ghostnote.music.grid import N_COLUMNS  # noqa: E402
from tests.support.tiny_bundle import random_strokes  # noqa: E402
from training.codecs.drum_codec import CodecConfig, DrumCodec, sum_codes  # noqa: E402
from training.codecs.quantizer import residual_quantizer  # noqa: E402
from training.live_task import cross_entropy, greedy  # noqa: E402
from training.predictors.live import LiveConfig, LivePredictor  # noqa: E402
from training.predictors.memory import VELOCITIES  # noqa: E402

CODEC = CodecConfig(
    latent=8,
    n_codebooks=3,
    codebook_size=16,
    width=16,
    hidden=32,
    encoder_dilations=(1, 2),
    decoder_dilations=(1, 2, 1),
)
LIVE = LiveConfig(width=16, hidden=32, dilations=(1, 2, 4), embedding=8)


@pytest.fixture(scope="module")
def codec():
    torch.manual_seed(1)
    made = DrumCodec(CODEC)
    made.train()
    made(torch.randn(4, 2, 40 * made.hop))
    torch.nn.init.normal_(made.decoder.head.weight, std=0.1)
    return made.eval()


@pytest.fixture(scope="module")
def predictor(codec):
    torch.manual_seed(2)
    made = LivePredictor(LIVE, kits=3, drummers=4, codebooks=codec.codebooks)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    made.memory.learn(*random_strokes(3, books=3, size=16))
    return made.eval()


@pytest.mark.parametrize("chunk", [1, 3, 7, 50])
def test_decoding_in_chunks_equals_decoding_whole(codec, chunk):
    codes = torch.randint(0, 16, (2, 50, 3))
    whole = codec.decode(codes)
    state = codec.decoder.initial_state(2, whole)
    parts = []
    for start in range(0, 50, chunk):
        audio, state = codec.decoder(codec.dequantize(codes[:, start : start + chunk]), state)
        parts.append(audio)
    torch.testing.assert_close(torch.cat(parts, 1).transpose(1, 2), whole, atol=1e-5, rtol=0)
    assert whole.abs().max() > 0.01


@pytest.mark.parametrize("chunk", [1, 4, 32])
def test_predicting_in_chunks_equals_predicting_whole(predictor, chunk):
    grid, noise = torch.rand(2, 32, N_COLUMNS), torch.randn(2, 32, 3, 16)
    temperature = torch.tensor([0.0, 0.5, 1.0])
    with torch.no_grad():
        condition = predictor.condition(torch.eye(3)[:2], torch.tensor([0, 3]))
        whole, _ = predictor.step(grid, condition, temperature, noise, predictor.initial_state(2, grid))
        state, parts = predictor.initial_state(2, grid), []
        for start in range(0, 32, chunk):
            cut = slice(start, start + chunk)
            codes, state = predictor.step(grid[:, cut], condition, temperature, noise[:, cut], state)
            parts.append(codes)
    assert torch.equal(torch.cat(parts, 1), whole)


def test_codes_of_a_row_do_not_depend_on_later_audio(codec):
    audio = torch.randn(1, 2, 20 * codec.hop)
    changed = audio.clone()
    changed[..., 10 * codec.hop :] = 0
    assert torch.equal(codec.encode(audio)[:, :10], codec.encode(changed)[:, :10])


def test_a_predicted_latent_that_is_a_sum_of_entries_gives_those_codes(predictor, codec):
    codes = codec.encode(torch.randn(1, 2, 30 * codec.hop))
    latent = sum_codes(codec.codebooks, codes)
    none = torch.zeros(1, 30, 3 * CODEC.latent)
    found = greedy(predictor, latent, none)
    again = sum_codes(codec.codebooks, found)
    assert (again - latent).norm() <= 0.2 * latent.norm()


def test_cross_entropy_prefers_the_codes_that_were_chosen(predictor):
    latent, corrections = torch.randn(1, 12, CODEC.latent), torch.zeros(1, 12, 3 * CODEC.latent)
    best = greedy(predictor, latent, corrections)
    other = (best + 5) % 16
    assert (
        cross_entropy(predictor, latent, corrections, best).sum()
        < cross_entropy(predictor, latent, corrections, other).sum()
    )


def test_a_morph_lies_between_its_kits(predictor):
    weights = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0.5, 0.5, 0]])
    inlet, film, (strokes, shares, steps) = predictor.condition(weights, torch.zeros(3, dtype=torch.long))
    torch.testing.assert_close(inlet[2], (inlet[0] + inlet[1]) / 2)
    torch.testing.assert_close(film[2], (film[0] + film[1]) / 2)
    kits, books = strokes[:, 0, 0, ::2] // (N_LANES * len(VELOCITIES)), len(predictor.codebooks)
    assert kits[:2, 0].tolist() == [0, 1] and set(kits[2].tolist()) == {0, 1}
    assert shares[:, 0, 0, :: 2 * books].tolist() == [[1, 0], [1, 0], [0.5, 0.5]]
    torch.testing.assert_close(steps[..., books : 2 * books], shares[..., :books])


def test_unused_entries_are_restarted():
    torch.manual_seed(0)
    quantizer = residual_quantizer(dimension=4, books=1, size=32)
    quantizer.train()
    quantizer(torch.randn(1, 4, 400) * 1e-3, 100)
    spread = torch.randn(1, 4, 400)
    for _ in range(250):
        result = quantizer(spread, 100)
    assert len(result.codes.unique()) > 24
