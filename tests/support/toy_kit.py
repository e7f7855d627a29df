"""A small kit made of noise and tones, as files in memory that a test may change before loading."""

import io
from typing import Any

import numpy as np
import soundfile
import tomli_w

from ghostnote.music.articulations import ARTICULATIONS, HAT_LANES
from sampler.kit import Kit, load_kit_from_files

RATE = 48000


def sound_bytes(audio: np.ndarray, rate: int = RATE) -> bytes:
    """Float WAV file of [frames] or [frames, channels]."""
    buffer = io.BytesIO()
    soundfile.write(buffer, audio, rate, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


def layer(low: int, high: int, reference: int, loudness_db: float, *samples: str) -> dict[str, Any]:
    return {
        "velocity_low": low,
        "velocity_high": high,
        "reference_velocity": reference,
        "peak_db": loudness_db + 10,
        "loudness_db": loudness_db,
        "samples": list(samples),
    }


class ToyKit:
    """`table` is kit.toml, `files` everything else; `load` puts both together."""

    def __init__(self) -> None:
        rng = np.random.default_rng(7)
        self.table: dict[str, Any] = {
            "id": "toy",
            "name": "Toy",
            "character": "noise",
            "author": "a test",
            "licence": "CC0-1.0",
            "channels": 1,
            "velocity_response": "layers",
            "choke_groups": {"hats": [ARTICULATIONS[lane].name for lane in HAT_LANES]},
            "articulations": {a.name: {"note": a.note, "fallback": "snare"} for a in ARTICULATIONS},
        }
        self.files: dict[str, bytes] = {}
        self.record("kick", [(1, 40, 30, -40.0, 1), (41, 90, 80, -26.0, 2), (91, 127, 120, -16.0, 5)], 0.3, rng)
        self.record("snare", [(1, 127, 127, -20.0, 3)], 0.4, rng)
        self.record("hat_closed_bow", [(1, 127, 127, -30.0, 2)], 0.1, rng)
        self.record("hat_open_bow", [(1, 127, 127, -28.0, 2)], 1.5, rng)
        self.record("hat_pedal", [(1, 127, 127, -34.0, 1)], 0.08, rng)
        self.record("crash_1", [(1, 127, 127, -24.0, 1)], 1.2, rng)
        self.record("ride_bow", [(1, 127, 127, -27.0, 4)], 1.0, rng)

    def record(self, name: str, layers: list[tuple], seconds: float, rng: np.random.Generator) -> None:
        rows = []
        for number, (low, high, reference, loudness, count) in enumerate(layers):
            names = [f"{name}_v{number}_r{repeat}.wav" for repeat in range(count)]
            for file in names:
                audio = rng.uniform(-1, 1, round(seconds * RATE)).astype(np.float32) * 10 ** (loudness / 20)
                self.files[f"toy/samples/{file}"] = sound_bytes(audio)
            rows.append(layer(low, high, reference, loudness, *names))
        entry = self.table["articulations"][name]
        entry.pop("fallback")
        entry["layers"] = rows

    def entry(self, name: str) -> dict[str, Any]:
        return self.table["articulations"][name]

    def all_files(self) -> dict[str, bytes]:
        return {"toy/kit.toml": tomli_w.dumps(self.table).encode(), **self.files}

    def load(self, rate: int = RATE) -> Kit:
        return load_kit_from_files(self.all_files(), "toy", rate)
