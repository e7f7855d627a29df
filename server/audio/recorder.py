"""Records what is played: the output as WAV, and the hits as MIDI with the times at which they sound in the WAV.

The audio is read from the output's ring buffer, so that recording costs the render thread nothing. One thread reads,
one writes; between them is a bounded queue, so that a slow disk delays nothing. What does not fit is silent in the file
and counted.
"""

import logging
import os
import queue
import threading
import time
import wave
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_music_path

from ghostnote.errors import GhostnoteError, InputError
from ghostnote.events import ChokeEvent, Event, NoteEvent, OpennessEvent, PanicEvent
from ghostnote.files.midi import write_midi
from ghostnote.files.midi_map import MidiMap, load_map
from ghostnote.files.paths import check_name
from ghostnote.music.performance import CHOKE, OPENNESS, Performance, make_hits
from ghostnote.osc.schema import Values
from server.audio.output import Output

log = logging.getLogger(__name__)

READ_S: Final = 0.1
"""Time between two reads of the output, much less than it keeps."""
MAX_WAITING: Final = 100
"""The most reads that may wait for the disk, about ten seconds."""
MAX_EVENTS: Final = 500_000
MAX_BYTES: Final = 2**32 - 2**16
"""Of a WAV file."""
MIDI_BYTES: Final = 2**16
"""Reserved for the MIDI file, so that the hits are not lost on a disk that the audio has filled."""
FRAME_BYTES: Final = 6
"""24 bits, two channels."""

Audio = NDArray[np.float32]
Sound = NoteEvent | OpennessEvent | ChokeEvent


class RecordedTake:
    """One recording, until `stop`; then its own threads finish writing it."""

    def __init__(
        self,
        folder: Path,
        name: str,
        output: Callable[[], Output | None],
        place: Callable[[float], float],
        midi_map: MidiMap,
        bpm: float,
    ) -> None:
        """`place`: time of a hit -> frame of the output at which it sounds. Raises InputError, OSError."""
        first = output()
        if first is None:
            raise InputError("cannot record: there is no output")
        self._output_now, self._output, self._place = output, first, place
        self._map, self._bpm, self._rate = midi_map, bpm, first.rate
        self.wav, self.mid, self._file = _new_files(folder, name)
        self._wave = wave.open(self._file, "wb")  # noqa: SIM115 - closed by the writing thread
        self._wave.setparams((2, FRAME_BYTES // 2, self._rate, 0, "NONE", ""))
        self._origin = self._next = first.consumed()
        self._seen = time.perf_counter()
        self._events: list[tuple[float, Sound]] = []
        self._lock = threading.Lock()
        self._queue: queue.Queue[Audio | int | None] = queue.Queue(MAX_WAITING)
        self._owed = self._written = self.lost = 0
        """`lost`: frames that are silent in the file because the disk was too slow."""
        self.fault = ""
        """Why it stopped by itself, "" if it did not."""
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=run, name="record", daemon=True) for run in (self._read, self._write)]
        for thread in self._threads:
            thread.start()

    @property
    def running(self) -> bool:
        """True until its files are complete."""
        return self._threads[1].is_alive()

    @property
    def seconds(self) -> float:
        """Length of what was written so far."""
        return self._written / self._rate

    def stop(self) -> None:
        """Stop recording. Does not wait."""
        self._stop.set()

    def wait(self) -> None:
        """Wait until the files are complete."""
        for thread in self._threads:
            thread.join()

    def on_event(self, event: Event) -> None:
        """An event that is played; a panic cancels what was to sound later. Any thread."""
        with self._lock:
            if isinstance(event, PanicEvent):
                kept = [(at, e) for at, e in self._events if e.at <= event.at]
                self._events = kept
            elif isinstance(event, Sound) and not self._stop.is_set() and len(self._events) < MAX_EVENTS:
                self._events.append((max(0.0, (self._place(event.at) - self._origin) / self._rate), event))

    def _read(self) -> None:
        ended = False
        while not ended and not self.fault:
            ended = self._stop.wait(READ_S)
            self._read_output(time.perf_counter())
        self._queue.put(None)

    def _read_output(self, now: float) -> None:
        output = self._output_now()
        if output is None:
            return
        if output is not self._output:
            if output.rate != self._rate:
                self.fault = f"the recording {self.wav} stopped: the output now has {output.rate} Hz, not {self._rate}"
                return
            missing = max(0, round((now - self._seen) * self._rate))
            self._owed += missing
            self._origin += output.consumed() - self._next - missing
            self._output, self._next = output, output.consumed()
        end = output.consumed()
        start = max(self._next, end - output.kept)
        self._miss(start - self._next)
        self._next, self._seen = end, now
        self._hand_on(output.recent(start, end - start))

    def _hand_on(self, audio: Audio) -> None:
        try:
            if self._owed:
                self._queue.put_nowait(self._owed)
                self._owed = 0
            self._queue.put_nowait(audio)
        except queue.Full:
            self._miss(len(audio))

    def _miss(self, frames: int) -> None:
        self._owed += frames
        self.lost += frames

    def _write(self) -> None:
        while (item := self._queue.get()) is not None:
            if self.fault:
                continue
            try:
                self._put(item) if isinstance(item, np.ndarray) else self._put_silence(item)
            except OSError as error:
                self._fail(error)
        for finish in (self._wave.close, self._file.close, self._write_midi):
            try:
                finish()
            except (GhostnoteError, OSError) as error:
                self._fail(error)
        log.info("recorded %s and %s, %.1f s", self.wav, self.mid, self.seconds)

    def _put_silence(self, frames: int) -> None:
        for start in range(0, frames, self._rate):
            self._put(np.zeros((min(self._rate, frames - start), 2), np.float32))

    def _put(self, audio: Audio) -> None:
        if (self._written + len(audio)) * FRAME_BYTES > MAX_BYTES:
            self.fault = f"the recording {self.wav} stopped: the WAV file has reached its maximum size"
            return
        self._wave.writeframes(_bytes_24(audio))
        self._written += len(audio)

    def _fail(self, error: Exception) -> None:
        self.fault = self.fault or f"the recording {self.wav} stopped: {getattr(error, 'strerror', None) or error}"
        log.warning("%s", self.fault)
        self._stop.set()

    def _write_midi(self) -> None:
        with self._lock:
            performance = _performance(self._events, self.seconds, self._bpm, self.wav.stem)
        lanes = {*performance.hits["lane"].tolist(), *performance.chokes["lane"].tolist()}
        writes_all = lanes <= self._map.note_of_lane.keys()
        write_midi(performance, self.mid, self._map if writes_all else load_map("gm"))  # in place of the reserved space


def _new_files(folder: Path, name: str) -> tuple[Path, Path, BinaryIO]:
    """A new WAV and a new MIDI file called `name` or, if that exists, name-2, name-3 ..."""
    for number in count(1):
        stem = name if number == 1 else f"{name}-{number}"
        wav, mid = folder / f"{stem}.wav", folder / f"{stem}.mid"
        if wav.exists():
            continue
        try:
            mid.open("xb").close()
        except FileExistsError:
            continue
        try:
            mid.write_bytes(bytes(MIDI_BYTES))
            return wav, mid, wav.open("xb")
        except OSError:
            mid.unlink()
            raise
    raise AssertionError


def _bytes_24(audio: Audio) -> bytes:
    """[frames, 2] as 24-bit samples, little-endian."""
    whole = np.round(np.clip(audio, -1.0, 1.0) * (2**23 - 1)).astype("<i4")
    return whole.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def _performance(events: list[tuple[float, Sound]], seconds: float, bpm: float, name: str) -> Performance:
    ordered = sorted(events, key=lambda pair: pair[0])
    hits = make_hits([(at, e.lane, e.velocity) for at, e in ordered if isinstance(e, NoteEvent)])
    last = ordered[-1][0] if ordered else 0.0
    return Performance(
        hits=hits,
        openness=np.array([(at, e.value) for at, e in ordered if isinstance(e, OpennessEvent)], OPENNESS),
        chokes=np.array([(at, e.lane) for at, e in ordered if isinstance(e, ChokeEvent)], CHOKE),
        bpm=bpm,
        duration=max(seconds, last),
        name=name,
    )


class Recorder:
    """One recording after the other. `ask` belongs to the OSC thread."""

    def __init__(
        self,
        folder: str,
        output: Callable[[], Output | None],
        place: Callable[[float], float],
        midi_map: MidiMap,
        bpm: Callable[[], float],
    ) -> None:
        """`folder`: "" = `default_folder`. The others as for `RecordedTake`; `bpm`: the current tempo."""
        self._folder, self._output, self._place, self._map, self._bpm = folder, output, place, midi_map, bpm
        self._takes: list[RecordedTake] = []

    def start(self) -> None:
        """Does nothing: recording begins on request."""

    def stop(self) -> None:
        """Stop recording and wait for the files."""
        for take in self._takes:
            take.stop()
            take.wait()

    def on_event(self, event: Event) -> None:
        """An event that is played. Any thread; never blocks for long."""
        if self._takes:
            self._takes[-1].on_event(event)

    @property
    def value(self) -> Values:
        """As `ServerSnapshot.record`."""
        take = self._takes[-1] if self._takes else None
        return (int(take.running), str(take.wav), str(take.mid)) if take else (0, "", "")

    @property
    def fault(self) -> str:
        """Why the last recording stopped by itself, "" if it did not."""
        return self._takes[-1].fault if self._takes else ""

    @property
    def lost(self) -> int:
        """Frames of the last recording that are silent because the disk was too slow."""
        return self._takes[-1].lost if self._takes else 0

    def ask(self, args: Values) -> Values:
        """The service of RECORD: "1" or a name starts, "0" ends. Raises InputError."""
        request = str(args[0]) if args else ""
        take = self._takes[-1] if self._takes else None
        if request == "0":
            if take:
                take.stop()
            return (0, *self.value[1:])
        if take and take.running:
            raise InputError(f"cannot record {request}: {take.wav} is being recorded, stop it with 0 first")
        name = (
            time.strftime("ghostnote-%Y%m%d-%H%M%S") if request == "1" else check_name(request, "name of a recording")
        )
        try:
            take = RecordedTake(self._ready_folder(), name, self._output, self._place, self._map, self._bpm())
        except OSError as error:
            raise InputError(f"cannot record into {self._folder or default_folder()}: {error.strerror}") from error
        self._takes = [take]
        return self.value

    def _ready_folder(self) -> Path:
        if self._folder:
            folder = Path(self._folder)
            if not folder.is_dir():
                raise InputError(f"cannot record into {folder}: there is no such folder; create it, or choose another")
            return folder
        folder = default_folder()
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def default_folder() -> Path:
    """$GHOSTNOTE_HOME/recordings, or the folder Ghostnote in the user's music."""
    home = os.environ.get("GHOSTNOTE_HOME")
    return Path(home) / "recordings" if home else user_music_path() / "Ghostnote"
