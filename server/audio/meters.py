"""What watchers are sent: hits as they are played, peaks and spectrum of the output.

The audio is read from the output's ring buffer, where it stays for a second after playback: the render thread does
no extra work, and nothing is computed while nobody watches.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ghostnote.events import Event, NoteEvent, PanicEvent
from ghostnote.music.articulations import ARTICULATIONS
from ghostnote.osc.schema import Values
from ghostnote.osc.table import METER, PLAYED, SPECTRUM
from ghostnote.timed_queue import TimedQueue
from server.audio.output import Output

METER_S: Final = 1 / 25
SPECTRUM_S: Final = 1 / 15
FLOOR_DB: Final = -72.0
"""Least level that is sent; anything below counts as silence, such as the residue of a network after a hit."""
BANDS: Final = 48
LOWEST_HZ: Final = 40.0
HIGHEST_HZ: Final = 16_000.0
WINDOW_SECONDS: Final = 0.085
"""Of the spectrum, to the nearest power of two in frames."""
MAX_HITS: Final = 1024
"""The most hits that may wait to be sent; more are dropped."""

Audio = NDArray[np.float32]


class Meters:
    """Collects what watchers are sent. `on_event` may be called by any thread, the rest by the OSC thread only.

    Implements `bridge.osc.server.WatchFeed`.
    """

    def __init__(self, output: Callable[[], Output | None]) -> None:
        """`output`: the current output, None while there is none."""
        self._output_now = output
        self._output: Output | None = None
        self._arrived: deque[Event] = deque(maxlen=MAX_HITS)
        self._waiting: TimedQueue[float, NoteEvent] = TimedQueue(MAX_HITS)
        self._watched = False
        self._peaks = 0
        self._next_meter = self._next_spectrum = 0.0
        self._was_quiet = {METER: True, SPECTRUM: True}

    def on_event(self, event: Event) -> None:
        """A hit that will sound, or a panic; never blocks."""
        if self._watched and isinstance(event, NoteEvent | PanicEvent):
            self._arrived.append(event)

    def set_watched(self, watched: bool) -> None:
        """As bridge.osc.server.WatchFeed."""
        self._watched = watched
        self._arrived.clear()
        self._waiting.clear()
        self._output = None

    def take(self, now: float) -> list[tuple[str, Values]]:
        """As bridge.osc.server.WatchFeed."""
        return [*self._hits(now), *self._sound(now)]

    def _hits(self, now: float) -> list[tuple[str, Values]]:
        while self._arrived:
            event = self._arrived.popleft()
            if isinstance(event, PanicEvent):
                self._waiting.clear()
            elif isinstance(event, NoteEvent):
                self._waiting.put(event.at, event)
        due = self._waiting.take_until(now)
        return [(PLAYED, (ARTICULATIONS[hit.lane].name, hit.velocity)) for _, hit in due]

    def _sound(self, now: float) -> list[tuple[str, Values]]:
        output = self._output_now()
        if output is None:
            return []
        end = output.consumed()
        if output is not self._output:
            self._output, self._peaks = output, end
        sent: list[tuple[str, Values]] = []
        if now >= self._next_meter and end > self._peaks:
            self._next_meter = max(self._next_meter + METER_S, now)
            start = max(self._peaks, end - output.kept)
            sent += self._unless_quiet(METER, peaks_db(output.recent(start, end - start)))
            self._peaks = end
        if now >= self._next_spectrum:
            self._next_spectrum = max(self._next_spectrum + SPECTRUM_S, now)
            frames = window_frames(output.rate)
            sent += self._unless_quiet(SPECTRUM, spectrum_db(output.recent(end - frames, frames), output.rate))
        return sent

    def _unless_quiet(self, address: str, levels: NDArray[np.float64]) -> list[tuple[str, Values]]:
        """The message; during silence only the first one."""
        quiet = bool(np.all(levels <= FLOOR_DB))
        sent = [] if quiet and self._was_quiet[address] else [(address, tuple(round(x, 2) for x in levels.tolist()))]
        self._was_quiet[address] = quiet
        return sent


def peaks_db(audio: Audio) -> NDArray[np.float64]:
    """Peak of each channel of audio [frames, channels] in dBFS, at least `FLOOR_DB`."""
    return _db(np.abs(audio).max(axis=0, initial=0.0).astype(np.float64))


def window_frames(rate: int) -> int:
    """Frames from which a spectrum at `rate` is computed: a power of two."""
    return 1 << round(np.log2(rate * WINDOW_SECONDS))


def band_edges() -> NDArray[np.float64]:
    """The `BANDS` + 1 frequencies [Hz] between which the bands lie."""
    return np.geomspace(LOWEST_HZ, HIGHEST_HZ, BANDS + 1)


def spectrum_db(audio: Audio, rate: int) -> NDArray[np.float64]:
    """Level of each band in audio [frames, channels], mean of the channels; at least `FLOOR_DB`.

    In dBFS such that a sine inside one band shows its peak level there. In bands narrower than the window
    resolves (below about 250 Hz) a sine is spread over neighbours.
    """
    frames = len(audio)
    window = np.hanning(frames)
    power = np.square(np.abs(np.fft.rfft(audio * window[:, None], axis=0))).mean(axis=1)
    summed = np.concatenate([[0.0], np.cumsum(power)])
    places = band_edges() * frames / rate + 0.5  # bin k covers k - 0.5 .. k + 0.5
    bands = np.diff(np.interp(places, np.arange(len(summed)), summed))
    return _db(np.sqrt(np.maximum(bands, 0.0) * 4 / (frames * np.square(window).sum())))


def _db(amplitude: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(20 * np.log10(np.maximum(amplitude, 1e-9)), FLOOR_DB)
