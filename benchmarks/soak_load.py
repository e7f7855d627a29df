"""What the soak sends: random messages of every kind, or grooves as a player sends them."""

import contextlib
import random
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ghostnote.files.groove import GROOVES_DIR, read_groove_file
from ghostnote.files.midi_map import load_map
from ghostnote.osc.packet import write_message

OSC_PORT: Final = 9179
CHUNK_SECONDS: Final = 10.0
EVENTS_PER_SECOND: Final = 20.0

Plan = Callable[[random.Random, int], list[tuple[int, bytes]]]
"""Messages of one chunk by frame, from a random state and the frames per second."""


class OscLoad(threading.Thread):
    """Messages until `stop` is called."""

    def __init__(self, load: "Load", seed: int, kits: list[str]) -> None:
        super().__init__(daemon=True)
        self._load, self._random, self._kits, self._end = load, random.Random(seed), kits, threading.Event()
        self.sent = self.kit_changes = 0

    def stop(self) -> None:
        """End the thread."""
        self._end.set()
        self.join()

    def run(self) -> None:
        """Send; answers are read so that nothing piles up."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            while not self._end.wait(self._random.expovariate(self._load.osc_per_second)):
                client.sendto(self._packet(), ("127.0.0.1", OSC_PORT))
                self.sent += 1
                with contextlib.suppress(BlockingIOError):
                    client.recv(65536)

    def _packet(self) -> bytes:
        r = self._random
        match r.choice(self._load.osc):
            case 0:
                self.kit_changes += 1
                return write_message("/ghostnote/kit", (r.choice(self._kits),))
            case 1:
                self.kit_changes += 1
                return write_message("/ghostnote/morph", (r.random(), *r.sample(self._kits, 2)))
            case 2:
                return write_message("/ghostnote/level/snare", (r.uniform(-12, 6),))
            case 3:
                return write_message(f"/ghostnote/feel/{r.choice(('timing', 'velocity', 'swing'))}", (r.random(),))
            case 4:
                return write_message("/ghostnote/hit", (r.choice(("kick", "snare", "ride_bow")), r.random()))
            case 5:
                return write_message("/ghostnote/status", ())
            case 6:
                return write_message("/ghostnote/no_such_thing", ("what", r.random()))
            case _:
                return r.randbytes(r.randrange(1, 64))


def midi(r: random.Random) -> list[bytes]:
    """Some random message, mostly notes of the drum channel; note-offs are left out at times."""
    kind = r.random()
    if kind < 0.75:
        note = r.randrange(35, 60)
        on = bytes([0x99, note, r.randrange(1, 128)])
        return [on, bytes([0x89, note, 0])] if r.random() < 0.8 else [on]
    if kind < 0.85:
        return [bytes([0xB9, 4, r.randrange(128)])]
    others = [
        bytes([0x90 + r.randrange(16), r.randrange(128), r.randrange(128)]),
        bytes([0xA9, r.randrange(35, 60), 127]),
        bytes([0xB0 + r.randrange(16), r.randrange(128), r.randrange(128)]),
        bytes([0xC9, r.randrange(128)]),
        bytes([0xF8]), bytes([r.choice((0xFA, 0xFB, 0xFC))]), bytes([0xF2, r.randrange(128), r.randrange(4)]),
        bytes([0xF0, *(r.randrange(128) for _ in range(r.randrange(1, 40))), 0xF7]),
    ]  # fmt: skip
    return [r.choice(others)]


def plan(r: random.Random, rate: int) -> list[tuple[int, bytes]]:
    """Messages of one chunk by frame."""
    count = round(CHUNK_SECONDS * EVENTS_PER_SECOND)
    frames = sorted(r.randrange(round(CHUNK_SECONDS * rate)) for _ in range(count))
    return [(frame + 480 * n, data) for frame in frames for n, data in enumerate(midi(r))]


def groove(r: random.Random, rate: int) -> list[tuple[int, bytes]]:
    """A groove that ships, any of them, over and over, as an e-kit sends it."""
    performance, pads = read_groove_file(r.choice(sorted(GROOVES_DIR.glob("*.toml")))), load_map("td17")
    frames: list[tuple[int, bytes]] = []
    for start in (n * performance.duration for n in range(int(CHUNK_SECONDS / performance.duration) + 1)):
        for time, value in performance.openness:
            control = bytes([0xB9, pads.controller or 4, pads.controller_value(float(value))])
            frames.append((round((start + float(time)) * rate), control))
        for time, lane, velocity in performance.hits:
            hit = bytes([0x99, pads.note_of_lane[int(lane)], pads.midi_velocity(float(velocity))])
            frames.append((round((start + float(time)) * rate), hit))
    return sorted((frame, data) for frame, data in frames if frame < CHUNK_SECONDS * rate)


@dataclass(frozen=True)
class Load:
    """What is sent."""

    text: str
    plan: Plan
    osc_per_second: float
    osc: tuple[int, ...]
    """Kinds of `OscLoad`, as likely as they are frequent."""


LOADS: Final = {
    "random": Load(
        "random load: MIDI of every kind, 20 messages a second (three quarters of them drum hits, any of 25 notes),\n"
        "and 4 OSC messages a second, among them changes of kit, morphs, the level of one piece, hits, queries,\n"
        "unknown addresses and random bytes",
        plan, 4.0, tuple(range(8)),
    ),
    "groove": Load(
        "the load of a player: the grooves that ship, one after the other, as an e-kit sends them, and an OSC message\n"
        "every other second: a kit, a morph, a level, a feel or a query",
        groove, 0.5, (0, 1, 2, 3, 5),
    ),
}  # fmt: skip
