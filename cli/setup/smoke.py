"""`ghostnote smoke`: a self-test of the app: window, server, sound, and recovery from killing the server, twice."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console

from ghostnote.errors import GhostnoteError

if TYPE_CHECKING:
    from cli.setup.jack_listener import JackListener

FLOOR_DB: Final = -40.0
"""RMS of one block of a groove, relative to full scale, that counts as sound."""
PATIENCE_S: Final = 60.0
END_S: Final = 15.0
STEP_S: Final = 0.02


class SmokeError(GhostnoteError):
    """Something that should have happened did not."""


class AppProcess:
    """The app as a process that reports its events."""

    def __init__(self, home: Path) -> None:
        from desktop.program import command

        environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ, "GHOSTNOTE_HOME": str(home)}
        self.begun = time.time()
        self._process = subprocess.Popen(
            command("smoke", "--inside"), env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._events: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(json.JSONDecodeError):
                self._events.append(json.loads(line))

    def wait(self, *events: str, after: int = 0) -> dict[str, Any]:
        """The first event of one of these kinds, skipping `after` of them. Raises SmokeError."""
        for _ in poll():
            found = [one for one in self._events if one["event"] in events]
            if len(found) > after:
                return found[after]
            if self._process.poll() is not None:
                raise SmokeError(
                    f"the app ended with status {self._process.returncode} before it reported {events[0]!r}"
                )
        raise SmokeError(f"the app did not report {' or '.join(events)} within {PATIENCE_S:.0f} s")

    def count(self, event: str) -> int:
        """How often this event was reported."""
        return sum(one["event"] == event for one in self._events)

    def close(self) -> None:
        """Stop the app and its server. Raises SmokeError if one of them does not exit."""
        servers = [one["pid"] for one in self._events if one["event"] == "server"]
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            status = self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise SmokeError(f"the app did not end within {END_S:.0f} s") from None
        if status:
            raise SmokeError(f"the app ended with status {status}")
        if left := [pid for pid in servers if is_running(pid)]:
            raise SmokeError(f"the server was left behind: process {left[0]}")


def smoke(
    floor: Annotated[float, typer.Option(help="RMS in dB of full scale that counts as sound.")] = FLOOR_DB,
    inside: Annotated[bool, typer.Option("--inside", hidden=True)] = False,
) -> None:
    """Test this installation: open the window (invisibly), play a groove, listen, kill the server, listen again."""
    if inside:
        from desktop.smoke import run_watched

        raise typer.Exit(run_watched())
    console = Console(highlight=False, soft_wrap=True)
    with tempfile.TemporaryDirectory() as folder:
        for line in check(Path(folder), 10 ** (floor / 20)):
            console.print(line)
    console.print("Ghostnote works.")


def check(home: Path, floor: float) -> Iterator[str]:
    """The results, line by line. `floor`: RMS, full scale = 1. Raises SmokeError for what does not work."""
    with open_listener(floor) as listener:
        app = AppProcess(home)
        try:
            window = app.wait("window")
            yield f"window after {window['at'] - app.begun:.2f} s ({window['cpu']:.2f} s of processor time)"
            server = app.wait("server", "failed")
            if server["event"] == "failed":
                yield f"no live sound ({server['why']})"
            elif listener is None:
                yield f"server after {server['at'] - app.begun:.2f} s; no JACK server to listen at"
            else:
                yield wait_for_sound("first sound", listener, app.begun)
                yield wait_for_sound("server killed at once; sound back", listener, kill(server["pid"], listener))
                spares = app.count("spare")
                server = app.wait("server", after=1)
                app.wait("spare", after=spares)
                yield wait_for_sound("server killed later; sound back", listener, kill(server["pid"], listener))
        finally:
            app.close()
    if listener is None or server["event"] == "failed":
        yield check_rendering(home, floor)


@contextlib.contextmanager
def open_listener(floor: float) -> Generator["JackListener | None"]:
    """A listener on JACK, None without a JACK server."""
    from cli.setup.jack_listener import JackListener

    try:
        listener = JackListener(floor)
    except OSError:
        yield None
        return
    with listener:
        yield listener


def wait_for_sound(what: str, listener: "JackListener", since: float) -> str:
    """Wait for sound. Raises SmokeError if there is none."""
    for _ in poll():
        listener.wire()
        if listener.first is not None:
            return f"{what} after {listener.first - since:.2f} s"
    raise SmokeError(f"{what}: none within {PATIENCE_S:.0f} s; the loudest block had an RMS of {listener.loudest:.2g}")


def check_rendering(home: Path, floor: float) -> str:
    """Render a groove to a file with this program's own command line and check that it is not silent."""
    import numpy as np
    import soundfile

    from desktop.program import command
    from desktop.smoke import GROOVE
    from ghostnote.files.groove import GROOVES_DIR

    target = home / "groove.wav"
    begun = time.time()
    subprocess.run(command("render", str(GROOVES_DIR / f"{GROOVE}.toml"), "-o", str(target)), check=True)
    audio, rate = soundfile.read(str(target))
    level = float(np.sqrt(np.mean(np.square(audio))))
    if not level > floor:
        raise SmokeError(f"the rendered groove is silent: RMS {level:.2g}, expected more than {floor:.2g}")
    seconds = len(audio) / rate
    took = time.time() - begun
    return f"rendered {seconds:.1f} s of sound to a file in {took:.2f} s, RMS {20 * np.log10(level):.1f} dB"


def poll() -> Iterator[float]:
    """Short time steps until `PATIENCE_S` has passed."""
    end = time.monotonic() + PATIENCE_S
    while (now := time.monotonic()) < end:
        yield now
        time.sleep(STEP_S)


def kill(pid: int, listener: "JackListener") -> float:
    """Kill a process as a crash would and reset the `listener`; returns when it was killed."""
    killed = time.time()
    os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    if any(not listener.wired for _ in poll()):  # what was still buffered has been played
        listener.arm()
    return killed


def is_running(pid: int) -> bool:
    """Whether there is such a process; always False on Windows."""
    if os.name == "nt":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
