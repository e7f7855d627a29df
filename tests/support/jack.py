"""A JACK server of our own (dummy driver), and a client that sends MIDI at exact frames and records what comes back."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.midi.jack_ports import jack_ports

Audio = NDArray[np.float32]


def jack_missing() -> str:
    """Why there can be no JACK here; "" where there can."""
    if shutil.which("jackd") is None:
        return "jackd is not installed (on Debian: apt install jackd2)"
    try:
        import jack
    except (ImportError, OSError) as error:
        return f"no JACK client library for Python ({error}): pip install JACK-Client"
    return "" if jack else "no jack"


def may_run_realtime() -> bool:
    """Whether this user may ask for realtime priority, which JACK needs on a busy machine."""
    import resource

    return os.geteuid() == 0 or resource.getrlimit(resource.RLIMIT_RTPRIO)[0] >= 80


@dataclass
class JackServer:
    """`jackd` with its dummy driver under a private name; a context manager."""

    name: str
    rate: int = 48000
    block: int = 128
    realtime: bool = field(default_factory=may_run_realtime)
    client_timeout: int = 5000
    """Milliseconds after which JACK gives up a client that does not answer; jackd's own default is 500."""
    log: list[str] = field(default_factory=list[str])

    def __enter__(self) -> "JackServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def environment(self) -> dict[str, str]:
        """For programs that are to find this server."""
        return {**os.environ, "JACK_DEFAULT_SERVER": self.name, "JACK_NO_START_SERVER": "1"}

    def start(self) -> None:
        """Start, and wait until clients can come."""
        mode = ["-R", "-P", "70"] if self.realtime else ["-r"]
        command = ["jackd", "-n", self.name, *mode, "-t", str(self.client_timeout), "-d", "dummy", "-r", str(self.rate)]
        self._process = subprocess.Popen(
            [*command, "-p", str(self.block)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_until(self._ready, 10, f"jackd {self.name} did not start")
        except (RuntimeError, TimeoutError):
            self.stop()
            raise

    def stop(self) -> None:
        """End the server."""
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """End the server as a crash would."""
        self._process.kill()
        self._process.wait()

    def _ready(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"jackd {self.name} ended with {self._process.returncode}")
        done = subprocess.run(["jack_wait", "-s", self.name, "-c"], capture_output=True, text=True, check=False)
        return "running" in done.stdout and "not running" not in done.stdout


def wait_until(ready: Any, seconds: float, otherwise: str) -> None:
    """Poll `ready()` until it is true. Raises TimeoutError(otherwise)."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(otherwise)
        time.sleep(0.05)


class Probe:
    """A JACK client: `midi_out` to play, two inputs to record. Frames are those of JACK's own clock.

    The process callback is Python: under load it may miss cycles, which then stay silent in the recording and are
    counted in `missed`.
    """

    def __init__(self, server: JackServer, name: str = "probe") -> None:
        import jack

        self.client: Any = jack.Client(name, servername=server.name, no_start_server=True)
        self.block = int(self.client.blocksize)
        self.rate = int(self.client.samplerate)
        self._midi = self.client.midi_outports.register("midi_out")
        self._inputs = [self.client.inports.register(f"in_{n}") for n in (1, 2)]
        self._plan: deque[tuple[int, bytes]] = deque()
        self.sent: list[tuple[int, bytes]] = []
        """(frame, bytes) as really sent."""
        self._record: Audio = np.zeros((0, 2), np.float32)
        self._begin = 0
        self._next = 0
        self.xruns = 0
        self.lost: list[int] = []
        """Frames at which cycles were lost, by all of JACK or by this client alone."""
        self.client.set_process_callback(self._process)
        self.client.set_xrun_callback(self._xrun)
        self.client.activate()

    def __enter__(self) -> "Probe":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.deactivate()
        self.client.close()

    @property
    def now(self) -> int:
        """JACK's current frame."""
        return int(self.client.frame_time)

    @property
    def missed(self) -> int:
        """Cycles lost so far."""
        return len(self.lost)

    def connect(self, midi_to: str | None, audio_from: Sequence[str]) -> None:
        """Wire the named ports of the program under test to this client."""
        if midi_to:
            self.client.connect(self._midi, midi_to)
        for source, target in zip(audio_from, self._inputs, strict=True):
            self.client.connect(source, target)

    def ports(self, pattern: str) -> list[str]:
        """Names of the ports that fit a regular expression."""
        return [port.name for port in jack_ports(self.client, pattern)]

    def take(self, plan: Sequence[tuple[int, bytes]], seconds: float) -> tuple[int, Audio]:
        """Record `seconds` from now while sending `plan` (frame after the beginning, bytes).

        Returns JACK's frame of the beginning and the audio [frames, 2].
        """
        self._record = np.zeros((round(seconds * self.rate), 2), np.float32)
        self.sent = []
        self._begin = self.now + 4 * self.block
        self._plan = deque((self._begin + frame, data) for frame, data in sorted(plan))
        time.sleep(seconds + 8 * self.block / self.rate)
        wait_until(lambda: self.now > self._begin + len(self._record), 5, "JACK's clock stands still")
        return self._begin, self._record

    def _process(self, frames: int) -> None:
        start = int(self.client.last_frame_time)
        if self._next > 0 and start != self._next:
            self.lost.append(start)
        self._next = start + frames
        self._midi.clear_buffer()
        while self._plan and self._plan[0][0] < start + frames:
            frame, data = self._plan.popleft()
            offset = max(0, frame - start)
            self._midi.write_midi_event(offset, data)
            self.sent.append((start + offset, data))
        place = start - self._begin
        if 0 <= place < len(self._record):
            kept = min(frames, len(self._record) - place)
            for n, port in enumerate(self._inputs):
                self._record[place : place + kept, n] = port.get_array()[:kept]

    def _xrun(self, _delay: float) -> None:
        self.xruns += 1


@contextlib.contextmanager
def running(
    command: Sequence[str], server: JackServer, log: Any = subprocess.DEVNULL
) -> Generator[subprocess.Popen[bytes]]:
    """A program as a JACK client, ended at the end."""
    process = subprocess.Popen(command, env=server.environment, stdin=subprocess.PIPE, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ghostnote(*arguments: str) -> list[str]:
    """The command line of `ghostnote` in this Python; it hears Ctrl-C even if a shell started it in the background."""
    ctrl_c = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    return [sys.executable, "-c", f"{ctrl_c}; from cli.main import main; main()", *arguments]
