"""A layout for the controller Open Stage Control, written from the OSC table.

One row of strips (level and pan of each piece), one of pads (an articulation each) and one of everything else that has
a single argument. The controller subscribes by itself, so its widgets show what really plays.
"""

import json
from typing import Any, Final

from ghostnote.music.articulations import ARTICULATIONS, PIECES
from ghostnote.osc.limits import DEFAULT_HOST, DEFAULT_PORT
from ghostnote.osc.schema import Address
from ghostnote.osc.table import BY_PATH, PANIC, ROOT, SUBSCRIBE, SUBSCRIPTION_S, TABLE

Widget = dict[str, Any]

_TARGET: Final = f"{DEFAULT_HOST}:{DEFAULT_PORT}"
_COLUMN: Final = 100
_ROWS: Final = {"settings": 0, "levels": 100, "pans": 380, "hits": 490}
_HITS_PER_ROW: Final = 11
_SEND: Final = f"send('{_TARGET}', '{SUBSCRIBE}')"
_SUBSCRIBE: Final = f"{_SEND}\nsetInterval('subscribe', () => {_SEND}, {round(SUBSCRIPTION_S * 500)})"


def open_stage_control() -> str:
    """The session file, JSON."""
    root = {
        "type": "root",
        "id": "root",
        "target": _TARGET,
        "onCreate": _SUBSCRIBE,
        "widgets": [*_settings(), *_mixer(), *_pads()],
        "tabs": [],
    }
    session = {"createdWith": "Open Stage Control", "version": "1.25.0", "type": "session", "content": root}
    return json.dumps(session, indent=1) + "\n"


def _settings() -> list[Widget]:
    grouped = ("level", "pan")
    single = [
        row
        for row in TABLE
        if row.writable and row.arguments and row.path.split("/")[2] not in grouped and _needed(row) <= 1
    ]
    rows = [row for row in single if row.read or row.path in (PANIC, f"{ROOT}/openness")]
    return [_widget(row, index * _COLUMN, _ROWS["settings"], 80) for index, row in enumerate(rows)]


def _needed(row: Address) -> int:
    return sum(not argument.optional for argument in row.arguments)


def _mixer() -> list[Widget]:
    return [
        _widget(BY_PATH[f"{ROOT}/{kind}/{piece}"], index * _COLUMN, _ROWS[place], height)
        for kind, place, height in (("level", "levels", 260), ("pan", "pans", 90))
        for index, piece in enumerate(PIECES)
    ]


def _pads() -> list[Widget]:
    return [
        _base("button", f"{ROOT}/hit", index % _HITS_PER_ROW * _COLUMN, _ROWS["hits"] + index // _HITS_PER_ROW * 90, 80)
        | {
            "id": f"hit {a.name}",
            "label": a.name,
            "mode": "push",
            "on": 1,
            "off": 0,
            "preArgs": a.name,
            "typeTags": "sf",
        }
        for index, a in enumerate(ARTICULATIONS)
    ]


def _widget(row: Address, left: int, top: int, height: int) -> Widget:
    first = row.arguments[0]
    if row.path == PANIC:
        return _base("button", row.path, left, top, height) | {"mode": "push", "on": 1, "off": 0, "typeTags": "f"}
    if first.choices:
        return _base("switch", row.path, left, top, height) | {"values": list(first.choices), "typeTags": "s"}
    if first.type == "f":
        kind = "knob" if row.path.startswith((f"{ROOT}/pan/", f"{ROOT}/feel/")) else "fader"
        span = {"min": first.low, "max": first.high}
        return _base(kind, row.path, left, top, height) | {"range": span, "typeTags": "f"}
    return _base("input", row.path, left, top, height) | {"typeTags": first.type}


def _base(kind: str, path: str, left: int, top: int, height: int) -> Widget:
    name = path.removeprefix(f"{ROOT}/")
    place = {"left": left, "top": top, "width": _COLUMN - 10, "height": height}
    return {"type": kind, "id": name, "label": name, "address": path, "target": _TARGET} | place
