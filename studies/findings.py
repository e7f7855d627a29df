"""One store for what was measured: a table's row or a page's section, kept by name, with its command and its date.

So a page can be made again when one row is measured again, and says of each other row when and how it was measured;
nothing is mended by hand. One MessagePack file per finding, in a folder per study.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np

from ghostnote.errors import InputError, MissingError

Value = TypeVar("Value")


@dataclass(frozen=True)
class Finding(Generic[Value]):
    """What one measurement found."""

    name: str
    command: str
    """The command line that measured it."""
    date: str
    """When: local time with its zone."""
    value: Value

    @property
    def origin(self) -> str:
        """When and how it was measured, for a page."""
        return f"{self.date}, `{self.command}`"


@dataclass(frozen=True)
class _Entry:
    name: str
    command: str
    date: str
    value: msgspec.Raw


class FindingStore(Generic[Value]):
    """Findings of one kind in one folder, which is made when the first is kept."""

    def __init__(self, folder: Path, kind: type[Value]) -> None:
        """`kind`: a dataclass of numbers, texts, arrays, lists and mappings by text."""
        self._folder, self._kind = folder, kind

    def keep(self, name: str, value: Value, command: str) -> Finding[Value]:
        """Write what `command` has just measured, in place of what was kept under this name."""
        date = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
        packed = msgspec.Raw(msgspec.msgpack.encode(value, enc_hook=_pack_array))
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.msgpack.encode(_Entry(name, command, date, packed)))
        return Finding(name, command, date, value)

    def kept(self, name: str) -> Finding[Value] | None:
        """What was kept under this name, None where nothing was. Raises InputError for a foreign file."""
        path = self._path(name)
        if not path.is_file():
            return None
        try:
            entry = msgspec.msgpack.decode(path.read_bytes(), type=_Entry)
            value = msgspec.msgpack.decode(entry.value, type=self._kind, dec_hook=_unpack_array)
        except (msgspec.MsgspecError, ValueError, TypeError) as error:
            raise InputError(f"{path} does not hold findings ({error}): delete it and measure again") from None
        return Finding(entry.name, entry.command, entry.date, value)

    def required(self, name: str) -> Finding[Value]:
        """As `kept`. Raises MissingError if nothing was kept."""
        found = self.kept(name)
        if found is None:
            raise MissingError(f"nothing was kept of {name!r} in {self._folder}: measure it first")
        return found

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.msgpack"


def _pack_array(value: object) -> Any:
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(f"findings cannot hold {type(value).__name__}")


def _unpack_array(kind: type, value: Any) -> Any:
    dtype, shape, data = value
    return np.frombuffer(data, dtype).reshape(shape)
