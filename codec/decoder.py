"""The decoder while it plays: strokes that sound are rows of a batch, each with its place and its memory.

A row is added when a stroke begins, decoded hop by hop together with all others, and dropped when it has ended. What a
hop sounds like does not depend on how many hops a call takes or on which other rows there are.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from codec.bands import BANDS, SAMPLE_RATE
from codec.frames import BOOKS, HOP, KNOTS
from codec.modes import MOST_MODES, dequantise
from codec.noise import BANK_HOPS, noise_bank
from codec.session import GraphSession
from codec.tone import band_tilt, tilt

Floats = NDArray[np.float32]

MODE_STEPS: Final = 16
"""A hop is so many coarse steps of so many frames of a mode's oscillation."""
MOST_ROWS: Final = 48
"""Strokes that may sound at once; beyond that the caller ends the quietest."""
INAUDIBLE: Final = 1e-7


@dataclass(frozen=True)
class StrokeCodes:
    """A stroke ready to be decoded."""

    codes: NDArray[np.int64]
    """Of the frames -1 .. hops - 1, [hops + 1, BOOKS]."""
    rates: NDArray[np.complex128]
    """Of its modes, per frame: -decay + i frequency, [modes]."""
    amplitudes: NDArray[np.complex64]
    """Of mid and side at the stroke's beginning, [2, modes]."""

    @property
    def hops(self) -> int:
        """Hops of sound."""
        return len(self.codes) - 1


def stroke_codes(codes: NDArray[np.uint16], mode_codes: NDArray[np.int16]) -> StrokeCodes:
    """From the codes of a kit file, [hops + 1, books] and [modes, 6]."""
    modes = dequantise(mode_codes)
    amplitudes = np.stack([modes[:, 2] + 1j * modes[:, 3], modes[:, 4] + 1j * modes[:, 5]])
    return StrokeCodes(codes.astype(np.int64), -modes[:, 1] + 1j * modes[:, 0], amplitudes.astype(np.complex64))


class StrokeDecoder:
    """Decodes the strokes that sound. Owned by one thread."""

    def __init__(self, graph: Path, *, threads: int = 1, provider: str = "cpu") -> None:
        """Raises BundleError, InputError."""
        self._session = GraphSession(graph, threads=threads, provider=provider)
        self.provider = self._session.provider
        self._bank = noise_bank()
        self._past = np.zeros((MOST_ROWS, *self._past_shape()), np.float32)
        self._tail = np.zeros((MOST_ROWS, 2, HOP), np.float32)
        self._knot = np.zeros((MOST_ROWS, 2, BANDS), np.float32)
        self._tone = np.ones((MOST_ROWS, BANDS), np.float32)
        self._steps = np.zeros((MOST_ROWS, 4, MOST_MODES, MODE_STEPS), np.float32)
        self._rates = np.zeros((MOST_ROWS, MOST_MODES), np.complex128)
        self._amplitudes = np.zeros((MOST_ROWS, 2, MOST_MODES), np.complex64)
        self._strokes: list[StrokeCodes] = []
        self._next: list[int] = []
        """The next frame of each row, counted from -1."""
        self._places: list[tuple[int, int]] = []
        self._check()

    @property
    def rows(self) -> int:
        """Strokes that sound."""
        return len(self._strokes)

    def reset(self) -> None:
        """Drop all rows."""
        for row in reversed(range(self.rows)):
            self.drop(row)

    def close(self) -> None:
        """Free the graph; nothing can be decoded afterwards."""
        self._session.close()

    def add(self, stroke: StrokeCodes, places: tuple[int, int], tone: float = 0.0) -> int:
        """A stroke begins; returns its row, the last. `places`: where its mid and side read the noise bank.

        `tone`: -1 dark .. 1 bright (`codec.tone`). There must be fewer than MOST_ROWS.
        """
        row, count = self.rows, len(stroke.rates)
        self._strokes.append(stroke)
        self._next.append(-1)
        self._places.append(places)
        for state in (self._past, self._tail, self._knot, self._steps, self._rates, self._amplitudes):
            state[row] = 0
        self._tone[row] = band_tilt(tone)
        self._rates[row, :count] = stroke.rates
        self._amplitudes[row, :, :count] = stroke.amplitudes * tilt(stroke.rates.imag * SAMPLE_RATE / (2 * np.pi), tone)
        steps = np.arange(MODE_STEPS)
        coarse: NDArray[np.complex128] = np.exp(stroke.rates[:, None] * (steps * (HOP // MODE_STEPS)))
        fine: NDArray[np.complex128] = np.exp(stroke.rates[:, None] * steps)
        self._steps[row, :, :count] = np.stack([coarse.real, coarse.imag, fine.real, fine.imag])
        return row

    def drop(self, row: int) -> None:
        """A stroke has ended; the last row takes its place."""
        last = self.rows - 1
        for state in (self._past, self._tail, self._knot, self._tone, self._steps, self._rates, self._amplitudes):
            state[row] = state[last]
        for values in (self._strokes, self._next, self._places):
            values[row] = values[last]  # type: ignore[index]
            values.pop()

    def begin(self, rows: list[int]) -> None:
        """Decode the frame before the beginning of rows just added, so that their next hop is their first."""
        if rows:
            self._run(np.array(rows), 1)

    def decode(self, hops: int) -> Floats:
        """The next hops of all rows, [rows, hops * HOP, 2]; what lies after a stroke's end is to be ignored."""
        if not self.rows:
            return np.zeros((0, hops * HOP, 2), np.float32)
        return self._run(slice(0, self.rows), hops)

    def decode_more(self, row: int, hops: int) -> Floats:
        """The next hops of one row alone, [hops * HOP, 2]."""
        return self._run(np.array([row]), hops)[0]

    def skip(self, hops: int) -> None:
        """Let the rows go on without sound; their memory is as it was."""
        self._next = [frame + hops for frame in self._next]

    def _run(self, rows: Any, hops: int) -> Floats:
        chosen = range(self.rows) if isinstance(rows, slice) else rows.tolist()
        ahead = np.array([self._next[row] for row in chosen])[:, None] + np.arange(hops)
        frames = [
            self._strokes[row].codes[np.minimum(ahead[n] + 1, self._strokes[row].hops)] for n, row in enumerate(chosen)
        ]
        places = np.array([self._places[row] for row in chosen])
        turned = np.exp(self._rates[rows][:, None] * (HOP * ahead[:, :, None])).astype(np.complex64)
        ringing = self._amplitudes[rows][:, None] * turned[:, :, None]  # [rows, hops, 2, modes]
        ringing[np.abs(ringing) < INAUDIBLE] = 0  # denormal numbers take ten times as long
        feeds = {
            "codes": np.stack(frames),
            "tone": self._tone[rows],
            "ringing": np.concatenate([ringing.real, ringing.imag], axis=2),
            "steps": self._steps[rows],
            "noise": self._bank[(places[:, None] + ahead[:, :, None]) % BANK_HOPS],
            "past": self._past[rows],
            "tail": self._tail[rows],
            "knot": self._knot[rows],
        }
        audio, self._past[rows], self._tail[rows], self._knot[rows] = self._session.run(feeds)
        for row in chosen:
            self._next[row] += hops
        return audio

    def _past_shape(self) -> tuple[int, ...]:
        return self._session.shape_of("past")[1:]

    def _check(self) -> None:
        """One hop of a stroke through the graph: names, shapes and numbers are what this program expects."""
        rows, hops = 2, 3
        feeds = {
            "codes": np.zeros((rows, hops, BOOKS), np.int64),
            "tone": self._tone[:rows],
            "ringing": np.zeros((rows, hops, 4, MOST_MODES), np.float32),
            "steps": self._steps[:rows],
            "noise": np.zeros((rows, hops, 2, KNOTS, BANDS, HOP // KNOTS), np.float32),
            "past": self._past[:rows],
            "tail": self._tail[:rows],
            "knot": self._knot[:rows],
        }
        expected = {"audio": (rows, hops * HOP, 2)} | {f"{n}_next": feeds[n].shape for n in ("past", "tail", "knot")}
        self._session.check(feeds, expected)
