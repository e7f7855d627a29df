"""`ghostnote evaluate codec`: what the codec alone loses, by kit and by articulation."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from cli.groove_data import DATA, groove_performances

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from evaluation.codec_report import RoundTrip
    from training.codecs.drum_codec import DrumCodec


def round_trip_of(codec: "DrumCodec") -> "RoundTrip":
    """Encoder, codes and decoder as one function."""
    import torch

    def round_trip(audio: "NDArray[np.float32]") -> "tuple[NDArray[np.float32], NDArray[np.int64]]":
        codes = codec.encode(torch.from_numpy(audio).T[None])
        return codec.decode(codes)[0].T[: len(audio)].numpy(), codes[0].numpy()

    return round_trip


def codec(
    checkpoint: Annotated[Path, typer.Argument(help="Weights of a codec or of a live predictor, which hold one.")],
    data: Annotated[Path, typer.Option(envvar="GHOSTNOTE_DATA", help="Folder with groove and kits.")] = DATA,
    windows_per_kit: Annotated[int, typer.Option(min=1, help="Windows of 4 beats measured per kit.")] = 12,
    out: Annotated[Path, typer.Option(help="Folder for results-codec.md and results-codec.csv.")] = Path("docs"),
) -> None:
    """Measure a codec's reconstruction on the Groove test split and write docs/results-codec.md."""
    from cli.evaluate import SPLIT
    from cli.evaluation_rows import RATE, REFERENCE_SEED, Sources, sampled
    from evaluation.codec_report import study_codec, write_codec_report
    from evaluation.windows import choose_windows
    from sampler.kit import list_kits
    from training.checkpoints import load_codec

    network = load_codec(checkpoint)
    sources = Sources(data / "kits")
    performances = groove_performances(data)
    kits = [info.id for info in list_kits(sources.kits)]
    windows = {kit: choose_windows(performances, kit, windows_per_kit, RATE, SPLIT) for kit in kits}
    with Console(stderr=True).status("measuring the codec"):
        reference = sampled(sources, REFERENCE_SEED)
        study = study_codec(round_trip_of(network), reference, windows, RATE, network.codebook_size, network.hop)
    settings = {
        "codec": f"{checkpoint}, hop {network.hop} at {RATE} Hz, "
        f"{network.n_codebooks} books of {network.codebook_size}",
        "music": f"Groove MIDI Dataset, {SPLIT} split, kind beat, mixed with the sampled kits",
    }
    write_codec_report(study, out, settings)
    Console(soft_wrap=True, highlight=False).print(f"{out / 'results-codec.md'}, {out / 'results-codec.csv'}")
