"""Sources of bars: a prompt, or what was played live. Used by the thread that generates them."""

import logging
from collections import deque
from itertools import count
from pathlib import Path
from typing import Any, Final, Protocol

from ghostnote.errors import GhostnoteError, InputError
from ghostnote.files.midi import write_midi
from ghostnote.files.midi_map import MidiMap
from ghostnote.music.performance import Performance, join_bars
from server.grooves.bars import Bar, ready_bar

log = logging.getLogger(__name__)

CONTEXT_BARS: Final = 4
"""Bars from which it continues."""


class PromptRequest(Protocol):
    """A prompt that was understood (drummers.groovegen.prompt.GrooveRequest)."""

    @property
    def bpm(self) -> float:
        """Tempo."""
        ...

    @property
    def bars(self) -> int:
        """Length of one groove."""
        ...

    @property
    def meter(self) -> tuple[int, int]:
        """Meter."""
        ...

    @property
    def name(self) -> str:
        """The styles in one word."""
        ...


class BarHumanizer(Protocol):
    """A drummer who humanises bar after bar (drummers.humanizer.model.HumanizedTake)."""

    def play(self, performance: Performance, start: float = 0.0) -> Performance:
        """The bar that starts at `start` [quarter notes], as the drummer plays it."""
        ...


class Models(Protocol):
    """The drummers' models (server.grooves.drummer_models.DrummerModels). All raise GhostnoteError."""

    def parse(self, prompt: str) -> PromptRequest:
        """The request of a prompt."""
        ...

    def generate(self, request: Any, bpm: float, seed: int) -> Performance:
        """One groove, at a tempo; `request` is what `parse` gave."""
        ...

    def play_on(self, performance: Performance, drummer: int, seed: int) -> Performance:
        """The next bar."""
        ...

    def take(self, drummer: int, style: str) -> BarHumanizer | None:
        """A drummer to humanise with, None without a model."""
        ...

    def check(self, action: str) -> None:
        """Raises if there is no model for the action of a GrooveCommand."""
        ...


class GrooveFolder:
    """A folder to which grooves are written as MIDI files. Nothing in it is ever overwritten."""

    def __init__(self, path: Path, midi_map: MidiMap) -> None:
        """Creates the folder. Raises InputError if that fails."""
        self._path, self._map = path, midi_map
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"groove folder {path} cannot be created ({error.strerror}): choose another") from error

    def write(self, performance: Performance, name: str) -> None:
        """A new file NAME-BPMbpm-NUMBER.mid. Raises InputError if it cannot be written."""
        for number in count(1):
            path = self._path / f"{name}-{performance.bpm:.0f}bpm-{number:03d}.mid"
            try:
                path.touch(exist_ok=False)
                write_midi(performance, path, self._map)
            except FileExistsError:
                continue
            except OSError as error:
                raise InputError(f"groove {path} cannot be written: {error.strerror}") from error
            return


class BarSource:
    """One groove after the other, bar by bar. Not thread-safe."""

    asks_tempo: float | None = None
    """Tempo that the first bar sets, until that bar sounds."""
    fault = ""
    """Why grooves are not written to the folder."""

    def __init__(self, models: Models, folder: GrooveFolder | None, name: str) -> None:
        self.models, self._folder, self._name = models, folder, name
        self._take: BarHumanizer | None = None
        self._drummer, self._beat = -1, 0.0
        self._first = True

    def next_bar(self, bpm: float, drummer: int) -> Bar:
        """The next bar at a tempo, with the feel of drummer 0..10. Raises GhostnoteError."""
        bpm = self.asks_tempo or bpm
        plain = self._make(bpm, drummer).at_tempo(bpm)
        if drummer != self._drummer:
            self._take, self._drummer, self._beat = self.models.take(drummer, plain.style), drummer, 0.0
        performed = self._take.play(plain, self._beat) if self._take else None
        self._beat += plain.bar_beats
        first, self._first = self._first, False
        return ready_bar(plain, performed, self.asks_tempo if first else None)

    def close(self) -> None:
        """No more bars are needed."""

    def _make(self, bpm: float, drummer: int) -> Performance:
        raise NotImplementedError

    def _write(self, performance: Performance) -> None:
        if self._folder:
            try:
                self._folder.write(performance, self._name)
            except GhostnoteError as error:
                self.fault = str(error)
                log.warning("%s", error)


class PromptSource(BarSource):
    """Grooves from a prompt, one for every seed from 0 on; each is written to the folder when it is generated."""

    def __init__(
        self, models: Models, folder: GrooveFolder | None, request: PromptRequest, *, with_tempo: bool
    ) -> None:
        super().__init__(models, folder, request.name)
        self._request = request
        self.asks_tempo = request.bpm if with_tempo else None
        self._bars: deque[Performance] = deque()
        self._seeds = count()

    def _make(self, bpm: float, drummer: int) -> Performance:
        if not self._bars:
            groove = self.models.generate(self._request, bpm, next(self._seeds))
            self._write(groove)
            self._bars.extend(groove.bars(self._request.bars))
        return self._bars.popleft()


class ContinueSource(BarSource):
    """Continues a phrase, bar by bar; what it played is written to the folder when it ends."""

    def __init__(self, models: Models, folder: GrooveFolder | None, phrase: Performance, bars: int) -> None:
        super().__init__(models, folder, "continued")
        self._context = deque(phrase.bars(bars), maxlen=CONTEXT_BARS)
        self._played: list[Performance] = []
        self._seeds = count()

    def _make(self, bpm: float, drummer: int) -> Performance:
        context = join_bars([bar.at_tempo(bpm) for bar in self._context])
        (bar,) = self.models.play_on(context, drummer, next(self._seeds)).bars(1)
        self._context.append(bar)
        if self._folder:
            self._played.append(bar)
        return bar

    def close(self) -> None:
        """Write what was played."""
        if self._played:
            self._write(join_bars(self._played))
