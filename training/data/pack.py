"""The packed training set: one .npz with every performance's events and every kit's own recordings.

Under 50 MB, so that a machine without the corpora can train: windows are mixed from it on the fly. Kits keep their
original compressed bytes (`sampler.kit.pack_kits`); events are concatenated arrays with one table row a performance.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ghostnote.errors import InputError, MissingError
from ghostnote.music.performance import CHOKE, HIT, OPENNESS, Performance
from sampler.files import PackedFiles
from sampler.kit import Kit, list_kits, load_kit_from_pack, pack_kits

OPENNESS_STEP: Final = 0.04
"""Pedal movement smaller than this is left out: the dense CC4 curves would take half of the file."""

TEXT_FIELDS: Final = ("drummer", "style", "kind", "split", "name")


def thin_curve(curve: NDArray[np.void]) -> NDArray[np.void]:
    """The openness curve without points that differ from the last kept one by less than `OPENNESS_STEP`."""
    kept: list[int] = []
    last = 0.0
    for index, value in enumerate(curve["value"].tolist()):
        if abs(value - last) >= OPENNESS_STEP or (value == 0.0 and last != 0.0):
            kept.append(index)
            last = value
    return curve[kept]


def write_pack(path: Path, performances: Sequence[Performance], kits_folder: Path) -> int:
    """Write the pack and return its size in bytes."""
    events = {
        "hits": [p.hits for p in performances],
        "openness": [thin_curve(p.openness) for p in performances],
        "chokes": [p.chokes for p in performances],
    }
    arrays: dict[str, Any] = {f"text/{f}": np.array([getattr(p, f) for p in performances]) for f in TEXT_FIELDS}
    for name, parts in events.items():
        whole = np.concatenate(parts)
        for field in whole.dtype.names or ():
            arrays[f"{name}/{field}"] = whole[field]
        arrays[f"{name}/length"] = np.array([len(p) for p in parts])
    arrays["bpm"] = np.array([p.bpm for p in performances])
    arrays["meter"] = np.array([p.meter for p in performances])
    arrays["duration"] = np.array([p.duration for p in performances])
    kits = [info.id for info in list_kits(kits_folder)]
    arrays["kits"] = np.array(kits)
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays.update(pack_kits(kits_folder, kits))
    np.savez_compressed(path, **arrays)
    return path.stat().st_size


class Pack:
    """An open pack. Kits are decoded on demand (about 1 s and 60 MB each)."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise MissingError(f"no packed training set {path}: make one with `ghostnote data pack`")
        self._arrays: Mapping[str, NDArray[Any]] = np.load(path, allow_pickle=False)
        if "kits" not in self._arrays:
            raise InputError(f"{path} is not a packed training set: it names no kits")
        self.kits = [str(k) for k in self._arrays["kits"]]

    @property
    def files(self) -> PackedFiles:
        """The kits' files by name (`sampler.files`)."""
        return PackedFiles({name: value for name, value in self._arrays.items() if "/samples/" in name})

    def kit(self, kit_id: str) -> Kit:
        """One kit, decoded."""
        return load_kit_from_pack(self._arrays, kit_id)

    def performances(self, splits: Sequence[str] = ("train",)) -> list[Performance]:
        """The performances of these splits."""
        a = self._arrays
        parts: dict[str, list[NDArray[np.void]]] = {}
        for name, dtype in (("hits", HIT), ("openness", OPENNESS), ("chokes", CHOKE)):
            length = a[f"{name}/length"]
            whole = np.empty(int(length.sum()), dtype)
            for field in dtype.names or ():
                whole[field] = a[f"{name}/{field}"]
            parts[name] = np.split(whole, np.cumsum(length)[:-1])
        text = {f: a[f"text/{f}"].tolist() for f in TEXT_FIELDS}
        bpm, duration, meter = a["bpm"].tolist(), a["duration"].tolist(), a["meter"].tolist()
        return [
            Performance(
                **{name: parts[name][i] for name in parts},
                **{f: text[f][i] for f in TEXT_FIELDS},
                bpm=bpm[i],
                meter=(meter[i][0], meter[i][1]),
                duration=duration[i],
            )
            for i in range(len(bpm))
            if text["split"][i] in splits
        ]
