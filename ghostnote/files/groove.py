"""Grooves written as text: one TOML file, one row of steps per articulation and bar.

    style = "funk"
    bpm = 98                        # quarter notes per minute
    meter = [4, 4]                  # the default
    order = ["A", "A", "fill"]      # bars in playing order, names from [bars]

    [feel]                          # every key is optional
    swing = 0.56                    # where the second of two notes falls: 0.5 straight, 0.667 triplets
    swing_note = 16                 # of two sixteenths (default) or two eighths (8)
    push_ms = { snare = 6, hat = -3 }   # pieces played late (+) or early (-)
    loose_ms = 3                    # standard deviation of the timing
    loose_velocity = 0.04           # standard deviation of the velocity
    seed = 1                        # of those deviations; the same file always gives the same performance

    [bars.A]
    kick           = "9... ..5. ..8. ...."
    snare          = ".... X..g .g.. X..g"
    hat_closed_bow = "x.3. x.3. x.3. x..."
    hat_open_bow   = ".... .... .... ..x."

A row divides its bar into as many equal steps as it has characters, a multiple of the bar's beats: in 4/4, 8 are
eighths, 12 triplets, 16 sixteenths. `.` nothing; `1`-`9` a hit of velocity 0.1-0.9; `g`, `x`, `X` a ghost note
(0.2), a normal hit (0.6), an accent (0.95). Spaces and `|` are ignored.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ghostnote.errors import InputError, MissingError
from ghostnote.files.paths import SHIPPED
from ghostnote.music.articulations import ARTICULATIONS, LANE_OF_NAME, PIECES
from ghostnote.music.performance import HIT, OPENNESS, Performance

VELOCITY_OF_SIGN: Final = {str(n): n / 10 for n in range(1, 10)} | {"g": 0.2, "x": 0.6, "X": 0.95}
GROOVES_DIR: Final = SHIPPED / "grooves"
MIN_VELOCITY: Final = 1 / 127


@dataclass(frozen=True)
class _Feel:
    """The table [feel] of a groove file."""

    swing: float = 0.5
    swing_note: int = 16
    push_ms: dict[str, float] = field(default_factory=dict[str, float])
    loose_ms: float = 0.0
    loose_velocity: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class _Groove:
    """A groove file as written. The fields are its keys."""

    bpm: float
    order: list[str]
    bars: dict[str, dict[str, str]]
    meter: tuple[int, int] = (4, 4)
    style: str = ""
    feel: _Feel = field(default_factory=_Feel)

    @property
    def quarters_per_bar(self) -> float:
        return self.meter[0] * 4 / self.meter[1]


def read_groove_file(path: Path) -> Performance:
    """The groove at `path` as a performance; its length is that of its bars, its name that of the file.

    The hi-hat pedal follows the strokes: open (1) from an open hit on, closed (0) from any other hi-hat hit on.
    Raises MissingError when there is no such file, InputError naming the position when it is not a groove.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingError(f"no groove file {path}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a TOML file: {error}") from None
    try:
        groove = _parse(table)
        hits = _perform(groove)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return Performance(
        hits=hits,
        openness=_pedal(hits),
        bpm=groove.bpm,
        meter=groove.meter,
        duration=max(len(groove.order) * groove.quarters_per_bar * 60 / groove.bpm, float(hits["time"][-1])),
        style=groove.style,
        name=path.stem,
    )


def _perform(groove: _Groove) -> NDArray[np.void]:
    feel = groove.feel
    rng = np.random.default_rng(feel.seed)
    rows: list[tuple[float, int, float]] = []
    for number, name in enumerate(groove.order):
        for lane, position, velocity in _strokes(groove, name):
            beat = _swung(position, feel) + number * groove.quarters_per_bar
            late = feel.push_ms.get(ARTICULATIONS[lane].piece, 0.0) + feel.loose_ms * rng.standard_normal()
            time = max(0.0, beat * 60 / groove.bpm + late / 1000)
            rows.append((time, lane, np.clip(velocity + feel.loose_velocity * rng.standard_normal(), MIN_VELOCITY, 1)))
    if not rows:
        raise InputError("no bar in `order` has a hit")
    hits = np.array(rows, HIT)
    return hits[np.argsort(hits["time"], kind="stable")]


def _strokes(groove: _Groove, name: str) -> Iterator[tuple[int, float, float]]:
    """(lane, position in quarter notes from the bar's start, velocity) of a bar's hits, unswung."""
    for articulation, text in groove.bars[name].items():
        steps = text.replace(" ", "").replace("|", "")
        where = f"bar '{name}', {articulation}"
        if not steps or len(steps) % groove.meter[0]:
            raise InputError(f"{where}: {len(steps)} steps; a multiple of the bar's {groove.meter[0]} beats is needed")
        for step, sign in enumerate(steps):
            if sign == ".":
                continue
            if sign not in VELOCITY_OF_SIGN:
                raise InputError(f"{where}: character '{sign}' at step {step + 1}; use . 1-9 g x X")
            yield LANE_OF_NAME[articulation], step * groove.quarters_per_bar / len(steps), VELOCITY_OF_SIGN[sign]


def _swung(position: float, feel: _Feel) -> float:
    """`position` [quarter notes] with the middle of each pair of swung notes moved to `swing` of the pair."""
    pair = 8 / feel.swing_note
    start, inside = position // pair * pair, position % pair / pair
    warped = inside * 2 * feel.swing if inside < 0.5 else feel.swing + (inside - 0.5) * 2 * (1 - feel.swing)
    return start + warped * pair


def _pedal(hits: NDArray[np.void]) -> NDArray[np.void]:
    strokes = [
        (hit["time"], a.name.startswith("hat_open")) for hit in hits if (a := ARTICULATIONS[hit["lane"]]).piece == "hat"
    ]
    return np.array(strokes, OPENNESS)


def _parse(table: dict[str, Any]) -> _Groove:
    _known(table, {"style", "bpm", "meter", "order", "feel", "bars"}, "the file")
    bars = table.get("bars")
    if not isinstance(bars, dict) or not bars:
        raise InputError("no bars: write at least one table [bars.NAME]")
    for name, bar in bars.items():
        _known(bar, set(LANE_OF_NAME), f"bar '{name}'")
        if not all(isinstance(row, str) for row in bar.values()):
            raise InputError(f"bar '{name}': every row must be text")
    order = table.get("order")
    if not isinstance(order, list) or not order:
        raise InputError(f'no order: write which bars to play, such as order = ["{next(iter(bars))}"]')
    for name in order:
        if not isinstance(name, str) or name not in bars:
            raise InputError(f"order names bar {name!r}; the file has {', '.join(bars)}")
    return _Groove(
        bpm=_number(table, "bpm", None, 20, 400),
        order=order,
        bars=bars,
        meter=_meter(table.get("meter", [4, 4])),
        style=str(table.get("style", "")),
        feel=_parse_feel(table.get("feel", {})),
    )


def _parse_feel(table: Any) -> _Feel:
    _known(table, set(_Feel.__dataclass_fields__), "[feel]")
    push = table.get("push_ms", {})
    _known(push, set(PIECES), "push_ms")
    if table.get("swing_note", 16) not in (8, 16):
        raise InputError(f"swing_note is {table['swing_note']!r}; it must be 8 or 16")
    if not isinstance(table.get("seed", 0), int):
        raise InputError(f"seed is {table['seed']!r}; it must be a whole number")
    return _Feel(
        swing=_number(table, "swing", 0.5, 0.5, 0.75),
        swing_note=table.get("swing_note", 16),
        push_ms={piece: _number(push, piece, 0, -50, 50) for piece in push},
        loose_ms=_number(table, "loose_ms", 0, 0, 30),
        loose_velocity=_number(table, "loose_velocity", 0, 0, 0.3),
        seed=int(_number(table, "seed", 0, 0, 2**31)),
    )


def _meter(value: Any) -> tuple[int, int]:
    match value:
        case [int(beats), (2 | 4 | 8 | 16) as unit] if 1 <= beats <= 32:
            return beats, unit
        case _:
            raise InputError(f"meter is {value!r}; it must be two whole numbers such as [4, 4] or [6, 8]")


def _number(table: dict[str, Any], key: str, default: float | None, low: float, high: float) -> float:
    value = table.get(key, default)
    if value is None:
        raise InputError(f"no {key}: write a number from {low} to {high}")
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InputError(f"{key} is {value!r}; it must be a number from {low} to {high}")
    return float(value)


def _known(table: Any, keys: set[str], where: str) -> None:
    if not isinstance(table, dict):
        raise InputError(f"{where}: must be a table")
    unknown = [key for key in table if key not in keys]
    if unknown:
        raise InputError(f"{where}: unknown key {', '.join(map(repr, unknown))}; known: {', '.join(sorted(keys))}")


def groove_path(groove: str) -> Path:
    """The file of a shipped groove by its name, or of any groove by its path. Raises MissingError."""
    for path in (GROOVES_DIR / f"{groove}.toml", Path(groove)):
        if path.is_file():
            return path
    names = ", ".join(sorted(path.stem for path in GROOVES_DIR.glob("*.toml")))
    raise MissingError(f"no groove {groove!r}: shipped grooves are {names}; or give a file")
