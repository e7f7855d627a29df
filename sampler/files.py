"""Where kit files come from: a folder on disk or arrays of a packed training set, both as Mapping[str, bytes].

Names are "KIT/kit.toml" and "KIT/samples/FILE" with forward slashes.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class FolderFiles(Mapping[str, bytes]):
    """The files below `folder`, read on demand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, name: str) -> bytes:
        try:
            return (self.folder / name).read_bytes()
        except OSError as error:
            raise KeyError(name) from error

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (self.folder / name).is_file()

    def __iter__(self) -> Iterator[str]:
        return (p.relative_to(self.folder).as_posix() for p in sorted(self.folder.rglob("*")) if p.is_file())

    def __len__(self) -> int:
        return sum(1 for _ in self)


class PackedFiles(Mapping[str, bytes]):
    """Files that `pack_kits` put into arrays of bytes (dtype uint8, [size]), for example an opened .npz."""

    def __init__(self, arrays: Mapping[str, NDArray[np.uint8]]) -> None:
        self._arrays = arrays

    def __getitem__(self, name: str) -> bytes:
        return self._arrays[name].tobytes()

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)
