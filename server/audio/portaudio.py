"""Audio devices through PortAudio: the only module of the server that knows sounddevice and rtmixer.

rtmixer is preferred, because its callback is C: measured on 2 cores with JACK at 128 frames and one busy Python thread,
a Python callback underflowed in 52 % of the blocks, rtmixer's in 2 %. Its ring buffer wraps memory of our own
(`RingBuffer`): the write index runs half the memory ahead and the render thread writes samples into place in
between, so the ring never runs dry when a hop is late. The samples are published by time rather than by index: they are
written at least a millisecond before their block is read, and a reader that overtakes them reads silence.
"""

import contextlib
import logging
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ghostnote.errors import InputError, MissingError
from server.audio.output import BACKENDS, Output
from server.audio.ring_buffer import RingBuffer

log = logging.getLogger(__name__)

CHANNELS: Final = 2
RING_FRAMES: Final = 1 << 17

Audio = NDArray[np.float32]


@dataclass(frozen=True)
class DeviceInfo:
    """One output device as PortAudio lists it."""

    index: int
    name: str
    host: str
    """Audio system, such as "JACK Audio Connection Kit" or "Core Audio"."""
    channels: int
    rate: float
    is_default: bool

    @property
    def label(self) -> str:
        """Name and audio system on one line."""
        return f"{self.name} ({self.host})"

    @property
    def is_jack(self) -> bool:
        """Whether our output goes through JACK's graph, where hosts can record it before the device."""
        return self.host.startswith("JACK")


def _portaudio() -> ModuleType:
    try:
        import sounddevice
    except OSError as error:
        raise MissingError(
            f"the PortAudio library is missing ({error}); on Debian: apt install libportaudio2"
        ) from error
    return sounddevice


def restart() -> None:
    """Make PortAudio rescan devices, which it otherwise does only once; every stream must be closed."""
    sd = _portaudio()
    with contextlib.suppress(sd.PortAudioError):
        sd._terminate()
    sd._initialize()


def list_outputs() -> list[DeviceInfo]:
    """All devices that have an output; may be empty. Raises MissingError without PortAudio."""
    sd = _portaudio()
    hosts = sd.query_hostapis()
    default = sd.default.device[1]
    return [
        DeviceInfo(
            index,
            d["name"],
            hosts[d["hostapi"]]["name"],
            d["max_output_channels"],
            d["default_samplerate"],
            index == default,
        )
        for index, d in enumerate(sd.query_devices())
        if d["max_output_channels"] > 0
    ]


def find_output(wanted: str | int | None) -> DeviceInfo:
    """The device with this index or whose name or audio system contains all words of `wanted`; None = the default.

    Raises MissingError when there is no device at all, InputError when none or several match.
    """
    devices = list_outputs()
    if not devices:
        raise MissingError("no audio output device: connect one, or start JACK (jackd), and try again")
    if wanted is None:
        return next((d for d in devices if d.is_default), devices[0])
    if isinstance(wanted, int) or wanted.isdigit():
        fitting = [d for d in devices if d.index == int(wanted)]
    else:
        exact = [d for d in devices if d.name == wanted]
        words = wanted.lower().split()
        fitting = exact or [d for d in devices if all(word in d.label.lower() for word in words)]
    if len(fitting) == 1:
        return fitting[0]
    listed = ", ".join(f"{d.index} {d.label}" for d in fitting or devices)
    if fitting:
        raise InputError(f"device {wanted!r} matches several, give the number: {listed}")
    raise InputError(f"no output device {wanted!r}: devices are {listed}")


def open_output(device: DeviceInfo, rate: int, block: int, backend: str | None = None) -> Output:
    """Open `device` at `rate` or, if it refuses, at its own rate, and start it.

    `backend`: one of `BACKENDS`, None = the first that works. Raises InputError when the device cannot be opened.
    """
    if device.channels < CHANNELS:
        raise InputError(
            f"device {device.index} {device.label} has {device.channels} output channel, {CHANNELS} are needed"
        )
    sd = _portaudio()
    faults: list[str] = []
    for name in BACKENDS if backend is None else (backend,):
        for tried in dict.fromkeys((rate, int(device.rate))):
            try:
                return _open(name, device, tried, block)
            except (sd.PortAudioError, ImportError) as error:
                faults.append(f"{name} at {tried} Hz: {error}")
    raise InputError(f"cannot open output device {device.index} {device.label}: {'; '.join(faults)}")


def _open(backend: str, device: DeviceInfo, rate: int, block: int) -> Output:
    output = _RtMixerOutput if backend == "rtmixer" else _CallbackOutput
    return output(device, rate, block)


class _RtMixerOutput:
    """PortAudio output whose callback is rtmixer's, in C."""

    def __init__(self, device: DeviceInfo, rate: int, block: int) -> None:
        import rtmixer

        self.name = f"{device.label}, rtmixer"
        self._mixer: Any = rtmixer.Mixer(
            device=device.index, channels=CHANNELS, blocksize=block, samplerate=rate, latency="low"
        )
        self.rate, self.block = rate, block
        self.device_latency = _latency_frames(self._mixer, rate)
        self._ring = RingBuffer(RING_FRAMES, CHANNELS)
        self.kept = self._ring.kept
        self._buffer: Any = rtmixer.RingBuffer(4 * CHANNELS, buffer=self._ring.memory)
        self._publish(self._ring.reach)
        self._action = self._mixer.play_ringbuffer(self._buffer)
        self._stats_action: Any = None
        self._xruns = 0
        self._mixer.start()

    def consumed(self) -> int:
        return self._ring.horizon - self._buffer.read_available

    def write(self, start: int, audio: Audio) -> int:
        consumed = self.consumed()
        self._publish(consumed + self._ring.reach)
        late = self._ring.write(start, audio, consumed)
        overtaken = self.consumed() - (start + late)  # the callback came while we were writing
        return late + max(0, min(overtaken, len(audio) - late))

    def recent(self, start: int, frames: int) -> Audio:
        return self._ring.read(start, frames)

    def fade_out(self) -> None:
        self._ring.fade_out(self.consumed() + self.block)

    def alive(self) -> bool:
        return bool(self._mixer.active)

    def poll(self) -> int:
        """As `Output.poll`; restarts playback when the ring buffer ran dry (the process was stopped for too long)."""
        running = self._mixer.actions
        if self._action not in running:
            log.warning("the output ran dry: restarted")
            self._action = self._mixer.play_ringbuffer(self._buffer)
        if self._stats_action is not None and self._stats_action not in running:
            self._xruns += self._stats_action.stats.output_underflows
            self._stats_action = None
        if self._stats_action is None:
            self._stats_action = self._mixer.fetch_and_reset_stats()
        return self._xruns

    def close(self) -> None:
        self._mixer.close(ignore_errors=True)

    def _publish(self, horizon: int) -> None:
        before = self._ring.horizon
        if horizon > before:
            self._ring.clear_to(horizon)
            self._buffer.advance_write_index(horizon - before)


class _CallbackOutput:
    """PortAudio output with a Python callback, for systems without rtmixer."""

    def __init__(self, device: DeviceInfo, rate: int, block: int) -> None:
        sd = _portaudio()
        self.name = f"{device.label}, Python callback"
        self._ring = RingBuffer(RING_FRAMES, CHANNELS)
        self.kept = self._ring.kept
        self._ring.clear_to(self._ring.reach)
        self._consumed = 0  # written by the callback only
        self._xruns = 0  # likewise
        self._stream = sd.OutputStream(
            device=device.index, channels=CHANNELS, blocksize=block, samplerate=rate, latency="low", dtype="float32",
            callback=self._callback,
        )  # fmt: skip
        self.rate, self.block = rate, block
        self.device_latency = _latency_frames(self._stream, rate)
        self._stream.start()

    def _callback(self, out: Audio, frames: int, time: Any, status: Any) -> None:
        start = self._consumed
        out[:] = self._ring.read(start, frames)
        self._xruns += bool(status.output_underflow)
        self._consumed = start + frames

    def consumed(self) -> int:
        return self._consumed

    def write(self, start: int, audio: Audio) -> int:
        consumed = self._consumed
        self._ring.clear_to(consumed + self._ring.reach)
        return self._ring.write(start, audio, consumed)

    def recent(self, start: int, frames: int) -> Audio:
        return self._ring.read(start, frames)

    def fade_out(self) -> None:
        self._ring.fade_out(self._consumed + self.block)

    def alive(self) -> bool:
        return bool(self._stream.active)

    def poll(self) -> int:
        return self._xruns

    def close(self) -> None:
        self._stream.close(ignore_errors=True)


def _latency_frames(stream: Any, rate: int) -> float:
    return round(stream.latency * rate, 3)
