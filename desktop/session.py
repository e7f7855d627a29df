"""The app's view of the server: a mirror of its OSC values, without Qt.

A topic is the first part of an address after the root: "kit", "level", "status" ... Listeners of a topic are called
with address and values whenever something of it has changed. What the user changes is shown at once and sent; the
server's feedback to earlier steps of a drag is not shown.
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final

from ghostnote.errors import GhostnoteError
from ghostnote.files.preset import parse_preset, save_preset
from ghostnote.osc.schema import Value, Values
from ghostnote.osc.table import BY_PATH, ERROR, PANIC, PLAYED, PRESET, ROOT, SETTINGS, STATUS

HOLD_SECONDS: Final = 0.5
"""How long after a change feedback for its address is taken to be for it or for an earlier one."""
KEPT: Final = ("morph", "kit", "drummer", "level", "pan", "piece", "feel", "mode", "tempo")
"""Topics that are restored to a new server."""

Send = Callable[..., None]
Listener = Callable[[str, Values], None]


def path(name: str) -> str:
    """The address of `name`, such as "level/kick"."""
    return f"{ROOT}/{name}"


def topic_of(address: str) -> str:
    """The topic of an address, "" for a foreign one."""
    return address.removeprefix(f"{ROOT}/").partition("/")[0] if address.startswith(f"{ROOT}/") else ""


class Session:
    """The state of one server, which may disappear and come back. Not thread-safe."""

    def __init__(
        self, send: Send, restore: Mapping[str, Values] | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        """`send(address, *values)` sends one message. `restore`: values to send to the server when it appears."""
        self._send, self._now = send, now
        self._restore = dict(restore or {})
        self._listeners: defaultdict[str, list[Listener]] = defaultdict(list)
        self._held: dict[str, tuple[float, Values]] = {}
        self._doubtful: set[str] = set()
        self._saving: tuple[str, bool] | None = None
        self.values: dict[str, Values] = {}
        """Address -> value, as last received or requested."""
        self.figures: dict[str, Value] = {}
        """Of /ghostnote/status, by name."""
        self.connected = False

    def listen(self, topic: str, listener: Listener) -> None:
        """Call `listener` with address and values at every change of `topic`."""
        self._listeners[topic].append(listener)

    def notify(self, address: str, *values: Value) -> None:
        """Call the listeners of an address's topic."""
        for listener in self._listeners[topic_of(address)]:
            listener(address, values)

    # From the server

    def receive(self, address: str, values: Values) -> None:
        """Process one message of the server."""
        if address == ERROR:
            self._refused(values)
        elif address == STATUS:
            self.figures = {str(name): value for name, value in zip(values[::2], values[1::2], strict=False)}
            self.notify(address, *values)
        elif address == SETTINGS:
            self._save(str(values[0]))
        elif (row := BY_PATH.get(address)) is None or not row.feedback:
            self.notify(address, *values)
        elif not self._is_old_echo(address, values) and not (address in self._restore and not self.connected):
            self.values[address] = values
            self.notify(address, *values)

    def _is_old_echo(self, address: str, values: Values) -> bool:
        held = self._held.get(address)
        if held is None:
            return False
        since, wanted = held
        if self._now() - since >= HOLD_SECONDS:
            del self._held[address]
            return False
        if not alike(values, wanted):
            self._doubtful.add(address)
        return True

    def _refused(self, values: Values) -> None:
        address = str(values[0]) if values else ""
        self._held.pop(address, None)
        row = BY_PATH.get(address)
        if row is not None and row.feedback:
            self._send(address)
        self.notify(ERROR, *values)

    def tick(self) -> None:
        """Call about twice a second: queries values whose feedback may have been ignored by mistake."""
        for address in [a for a in self._doubtful if self._now() - self._held.get(a, (0.0,))[0] >= HOLD_SECONDS]:
            self._doubtful.discard(address)
            self._held.pop(address, None)
            self._send(address)

    def arrived(self) -> None:
        """The server has sent all its values: restore those of the previous one."""
        restore, self._restore = self._restore, {}
        self.connected = True
        for address, values in restore.items():
            if self._fits(address, values):
                self.change(address, *values)
            else:
                self._send(address)
        self.notify(path("connection"), 1)

    def lost(self) -> None:
        """The server is gone."""
        if self.connected:
            self._restore = self.kept()
        self.connected = False
        self._held.clear()
        self._doubtful.clear()
        self.notify(path("connection"), 0)

    def _fits(self, address: str, values: Values) -> bool:
        kits, drummers = self.values.get(path("kits"), ()), self.values.get(path("drummers"), ())
        match topic_of(address):
            case "kit" | "morph":
                return all(kit in kits for kit in values if isinstance(kit, str))
            case "drummer":
                return isinstance(values[0], int) and values[0] < len(drummers)
            case _:
                return True

    def kept(self) -> dict[str, Values]:
        """The values that make a server play like this one, by address; empty before the first one appeared."""
        if not self.connected:
            return dict(self._restore)
        first, second = self.morph[1:]
        passed_over = "kit" if first != second else "morph"
        kept = {a: v for a, v in self.values.items() if topic_of(a) in KEPT and topic_of(a) != passed_over}
        return kept

    # To the server

    def change(self, address: str, *values: Value) -> None:
        """Show `values` at once and send them."""
        self.values[address] = values
        self._held[address] = (self._now(), values)
        self._send(address, *values)
        self.notify(address, *values)

    def hit(self, articulation: str, velocity: float) -> None:
        """Play one hit now."""
        self._send(path("hit"), articulation, float(velocity))
        if not self.offers(PLAYED):
            self.notify(PLAYED, articulation, velocity)

    def panic(self) -> None:
        """Silence at once."""
        self._send(PANIC)
        self.notify(PANIC)

    def transport(self, action: str) -> None:
        """ "start", "stop" or "continue"."""
        self._send(path("transport"), action)

    def record(self, recording: bool) -> None:
        """Start or stop recording."""
        self._send(path("record"), int(recording))

    def morph_to(self, amount: float, first: str, second: str) -> None:
        """Between two kits; with the same kit twice, that kit."""
        if first == second:
            self.change(path("kit"), first)
        else:
            self.change(path("morph"), float(amount), first, second)

    def ask_groove(self, prompt: str) -> None:
        """Let the server generate a groove from a prompt."""
        self._send(path("groove/prompt"), prompt)

    def groove(self, action: str) -> None:
        """ "start", "stop" or "continue" (listen, then continue) generated grooves."""
        self._send(path(f"groove/{action}"))

    def load_preset(self, name: str) -> None:
        """Let the server load a saved preset."""
        self._send(PRESET, name)

    def save_preset(self, name: str, *, overwrite: bool) -> None:
        """Save the server's settings; topic "saved" reports the name and, if it failed, why."""
        self._saving = (name, overwrite)
        self._send(SETTINGS)

    def _save(self, text: str) -> None:
        if self._saving is None:
            return
        (name, overwrite), self._saving = self._saving, None
        try:
            save_preset(name, parse_preset(text, "of the server"), overwrite=overwrite)
        except (GhostnoteError, OSError) as error:
            self.notify(path("saved"), name, str(error))
        else:
            self.notify(path("saved"), name, "")

    @staticmethod
    def offers(address: str) -> bool:
        """Whether the server of this version knows an address."""
        return address in BY_PATH

    # The mirror, typed

    @property
    def kits(self) -> tuple[str, ...]:
        """Kit ids."""
        return tuple(str(kit) for kit in self.values.get(path("kits"), ()))

    @property
    def drummers(self) -> tuple[str, ...]:
        """Names of the drummers."""
        return tuple(str(name) for name in self.values.get(path("drummers"), ()))

    @property
    def kit(self) -> str:
        """The current kit, "" before it is known."""
        return str(self.values.get(path("kit"), ("",))[0])

    @property
    def morph(self) -> tuple[float, str, str]:
        """Share of the second kit, first and second kit; the same kit twice without a morph."""
        amount, first, second = self.values.get(path("morph"), (0.0, "", ""))
        return float(amount), str(first), str(second)

    @property
    def playing(self) -> bool:
        """Whether the transport runs."""
        return self.values.get(path("transport"), ("stop",))[0] != "stop"

    @property
    def groove_state(self) -> tuple[str, str, int]:
        """ "stopped", "listening" or "playing"; the prompt, "" for none; the bar from 1, 0 for none yet."""
        state, prompt, bar = self.values.get(path("groove/state"), ("stopped", "", 0))
        return str(state), str(prompt), int(bar)

    @property
    def recording(self) -> tuple[bool, str]:
        """Whether the server is recording, and the sound file of the current or last recording, "" before the first."""
        running, sound = self.values.get(path("record"), (0, ""))[:2]
        return bool(running), str(sound)

    def number(self, name: str, default: float = 0.0) -> float:
        """A setting that is one number, such as "tempo" or "level/kick"."""
        value = self.values.get(path(name), (default,))[0]
        return float(value) if not isinstance(value, str) else default

    @property
    def latency(self) -> tuple[int, int]:
        """Frames from a hit to its sound, and frames per second; (0, 0) before they are known."""
        frames, rate = self.values.get(path("latency"), (0, 0))
        return int(frames), int(rate)


def alike(one: Values, other: Values) -> bool:
    """Equality, with numbers compared to float32 precision as in OSC."""
    return len(one) == len(other) and all(
        a == b or (not isinstance(a, str) and not isinstance(b, str) and math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-6))
        for a, b in zip(one, other, strict=True)
    )
