"""Strict reading of TOML tables into frozen dataclasses: errors name unknown, missing and invalid keys.

Field types may be str, int, float, bool, dataclasses, `tuple[X, ...]` of these and `dict[str, X]`. A field with
a default may be absent from the table.
"""

import math
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


class TableError(ValueError):
    """A table is not valid; the text, one line, names the key, what was found and what was expected."""

    def __init__(self, text: str) -> None:
        super().__init__(" ".join(text.splitlines()))


def from_table(kind: type[T], table: Any, where: str = "") -> T:
    """`table` as the dataclass `kind`; raises TableError. `where` is the dotted key of the table, "" at the top."""
    if not isinstance(table, dict):
        raise TableError(f"{where or 'the file'} is {str(table)[:60]!r}, expected a table")
    hints = get_type_hints(kind)
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    prefix = f"{where}." if where else ""
    for key in table:
        if key not in known:
            raise TableError(f"unknown key {prefix}{key}; known are {', '.join(sorted(known))}")
    values: dict[str, Any] = {}
    for name, entry in known.items():
        if name in table:
            values[name] = _value(hints[name], table[name], prefix + name)
        elif entry.default is MISSING and entry.default_factory is MISSING:
            raise TableError(f"key {prefix}{name} is missing")
    try:
        return kind(**values)
    except TableError:
        raise
    except ValueError as error:
        raise TableError(f"{where or 'the file'}: {error}") from error


def _value(kind: Any, value: Any, where: str) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        return from_table(kind, value, where)
    if get_origin(kind) is tuple and isinstance(value, list):
        item = get_args(kind)[0]
        return tuple(_value(item, one, f"{where}[{index}]") for index, one in enumerate(value))
    if get_origin(kind) is dict and isinstance(value, dict):
        return {key: _value(get_args(kind)[1], one, f"{where}.{key}") for key, one in value.items()}
    if kind is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if kind in (int, str, bool) and type(value) is kind:
        return value
    expected = {"int": "a whole number", "float": "a number", "str": "a text", "bool": "true or false"}
    found = f"{where} is {str(value)[:60]!r}"
    raise TableError(f"{found}, expected {expected.get(getattr(kind, '__name__', ''), 'a list or table')}")
