"""The health of the server in one line: figures of /ghostnote/status in words. Without Qt."""

from collections.abc import Mapping
from dataclasses import dataclass

from ghostnote.osc.schema import Value


@dataclass(frozen=True)
class Reading:
    """One part of the health line."""

    name: str
    text: str
    tone: str
    """"good", "warn", "bad" or "" (nothing to judge)."""
    about: str
    """What it means and what to do, as a sentence."""


class Health:
    """Interprets figures; for a counter what matters is whether it has grown recently."""

    RECENT = 20
    """Updates, about half a second apart, for which a counter that has grown is shown as a warning."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._grown: dict[str, int] = {}

    def forget(self) -> None:
        """A new server has started: its counters begin at 0."""
        self._seen.clear()
        self._grown.clear()

    def readings(self, figures: Mapping[str, Value]) -> list[Reading]:
        """The health line, left to right; [] before there are figures."""
        if not figures:
            return []
        cpu = _number(figures, "cpu_percent")
        provider = str(figures.get("provider", "")).removesuffix("ExecutionProvider") or "?"
        return [
            self._counter(figures, "late_hops", "Late", "Hops rendered too late for the device: close other programs, "
                          "choose a larger block or a longer lead."),
            self._counter(figures, "xruns", "Xruns", "The audio device ran out of sound: choose a larger block."),
            Reading("CPU", f"{cpu:.0f} %", "good" if cpu < 60 else "warn" if cpu < 90 else "bad",
                    "Share of one processor core that the sound engine uses."),
            Reading("Runs on", provider, "", "Where the networks are computed."),
        ]  # fmt: skip

    def _counter(self, figures: Mapping[str, Value], key: str, name: str, about: str) -> Reading:
        count = int(_number(figures, key))
        if key in self._seen and count > self._seen[key]:
            self._grown[key] = self.RECENT
        self._seen[key] = count
        left = self._grown.get(key, 0)
        self._grown[key] = max(0, left - 1)
        return Reading(name, str(count), "warn" if left else "good", about)


def output_text(figures: Mapping[str, Value]) -> str:
    """The output in words, such as "Scarlett 2i2, 48 kHz, 128 frames"; "" before there is one."""
    name = str(figures.get("output", "none"))
    if name == "none":
        return ""
    rate = _number(figures, "rate") / 1000
    return f"{name.partition(', ')[0]} · {rate:g} kHz · {int(_number(figures, 'block'))} frames"


def latency_text(frames: int, rate: int) -> str:
    """A latency in samples and milliseconds; "" before it is known."""
    return f"{frames} samples · {1000 * frames / rate:.1f} ms" if frames and rate else ""


def _number(figures: Mapping[str, Value], key: str) -> float:
    value = figures.get(key, 0)
    return 0.0 if isinstance(value, str) else float(value)
