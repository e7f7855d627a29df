"""The codec report measures what is lost, leaves silence out and judges every book."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.sound.codebooks import perplexities
from evaluation.sound.codec_report import mel_distance, study_codec, write_codec_report
from evaluation.sound.windows import Window
from ghostnote.music.performance import Performance, make_hits

RATE = 48000


def beeps(performance: Performance, kit: str, start: int, stop: int) -> NDArray[np.float32]:
    """A decaying tone per hit; kit "mute" is silent."""
    audio = np.zeros((stop, 2), np.float32)
    for hit in performance.hits if kit != "mute" else ():
        at = round(float(hit["time"]) * RATE)
        time = np.arange(stop - at) / RATE
        audio[at:] += (hit["velocity"] * np.sin(2 * np.pi * 440 * time) * np.exp(-time / 0.1))[:, None].astype("f4")
    return audio[start:].astype(np.float32)


def halved(audio: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Half the level; the first book even, the second stuck."""
    rows = len(audio) // 256
    return audio / 2, np.stack([np.arange(rows) % 16, np.zeros(rows, np.int64)], axis=1)


def test_perplexity_counts_entries_in_even_use():
    codes = np.stack([np.arange(1600) % 16, np.arange(1600) % 4, np.zeros(1600, np.int64)], axis=1)
    assert perplexities(codes, 16) == pytest.approx([16, 4, 1])


def test_mel_distance_of_half_the_level_is_six_decibels():
    noise = np.random.default_rng(0).normal(0, 0.3, (RATE, 2))
    assert mel_distance(noise, noise, RATE) == 0
    assert mel_distance(noise, noise / 2, RATE) == pytest.approx(6.02, abs=0.05)


def test_report_names_kits_articulations_and_the_book_that_earns_nothing(tmp_path: Path):
    performance = Performance(make_hits([(0.1, 0, 0.8), (0.6, 3, 0.9)]), duration=2.0, bpm=120.0, name="take")
    windows = {"bell": [Window(performance, 0, 2 * RATE)], "mute": []}
    study = study_codec(halved, beeps, windows, RATE, 16, 256)
    assert {clip.group for clip in study.kits} == {"bell"}
    assert len(study.articulations) == 22 * 3, "the silent kit's strokes are left out"
    assert study.kits[0].measure.sc == pytest.approx(0.5, abs=1e-3)
    assert study.kits[0].measure.level_db == pytest.approx(-6.02, abs=0.05)
    write_codec_report(study, tmp_path, {"codec": "halved"})
    text = (tmp_path / "results-codec.md").read_text()
    assert "| bell | 1 | 0.500" in text and "| kick |" in text and "1 do not" in text
    assert len((tmp_path / "results-codec.csv").read_text().splitlines()) == 1 + 1 + 66
