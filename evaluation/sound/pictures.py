"""Spectrograms of the same window by several rows, one small PNG per kit."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from evaluation.sound.spectra import Audio, Floats, magnitudes, mel_filters, mono

SIZE: Final = 2048
HOP: Final = 512
BANDS: Final = 128
RANGE: Final = (30.0, 20000.0)
SPAN_DB: Final = 80.0
COLOURS: Final = 64
TICKS: Final = (100, 1000, 5000, 15000)


def mel_db(audio: Audio, rate: int) -> Floats:
    """Mel spectrogram [bands, frames] in dB of full-scale amplitude, from 30 Hz to 20 kHz or half the rate."""
    filters = mel_filters(rate, SIZE, BANDS, RANGE[0], min(RANGE[1], rate / 2))
    spectrum = magnitudes(np.pad(mono(audio), SIZE // 2), SIZE, HOP) * (2 / np.hanning(SIZE).sum())
    return 20 * np.log10(np.maximum(1e-6, spectrum @ filters.T)).T


def save_comparison(path: Path, title: str, panels: Sequence[tuple[str, Audio]], rate: int) -> None:
    """Write a PNG with one mel spectrogram per (name, audio) panel, all on the first panel's colour scale.

    The scale spans 80 dB below the first panel's loudest point; the file has 64 colours and about 100 kB.
    """
    pictures = [(name, mel_db(audio, rate)) for name, audio in panels]
    top = float(pictures[0][1].max())
    figure = Figure(figsize=(8.0, 0.6 + 1.9 * len(pictures)), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots(len(pictures), 1, sharex=True, squeeze=False)[:, 0]
    mel_edges = 2595 * np.log10(1 + np.array([RANGE[0], min(RANGE[1], rate / 2)]) / 700)
    for axis, (name, picture) in zip(axes, pictures, strict=True):
        seconds = picture.shape[1] * HOP / rate
        axis.imshow(
            picture, origin="lower", aspect="auto", cmap="magma", vmin=top - SPAN_DB, vmax=top,
            extent=(0, seconds, mel_edges[0], mel_edges[1]),
        )  # fmt: skip
        axis.set_yticks([2595 * np.log10(1 + tick / 700) for tick in TICKS], [f"{tick} Hz" for tick in TICKS])
        axis.tick_params(labelsize=7)
        axis.set_ylabel(name, fontsize=9)
    axes[-1].set_xlabel("seconds", fontsize=8)
    buffer = BytesIO()
    canvas.print_png(buffer)
    buffer.seek(0)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(buffer).convert("RGB").quantize(COLOURS).save(path, optimize=True)
