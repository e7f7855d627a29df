"""The kits that a renderer can play: read when they are first needed, their strokes ready to be decoded."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from codec.decoder import StrokeCodes, stroke_codes
from ghostnote.errors import InputError
from kits.coded_kit import CodedKit, read_kit


class KitLibrary:
    """Kits by id. Owned by one thread, but for `ids`."""

    def __init__(self, files: Mapping[str, Path], codec: str) -> None:
        """`files`: kit files by id, at least one. `codec`: fingerprint of the codec that decodes them."""
        self._files, self._codec = dict(files), codec
        self._kits: dict[str, CodedKit] = {}
        self._strokes: dict[tuple[str, int], StrokeCodes] = {}
        self.ids: tuple[str, ...] = tuple(self._files)

    def load(self) -> None:
        """Read all kits now, so that changing to one takes no time later."""
        for kit in self.ids:
            self.kit(kit)

    def kit(self, kit: str) -> CodedKit:
        """The kit with this id. Raises InputError with the nearest ids and all of them."""
        if kit not in self._kits:
            if kit not in self._files:
                near = get_close_matches(kit.lower(), self.ids, n=3, cutoff=0.5)
                hint = f"did you mean {' or '.join(near)}? " if near else ""
                raise InputError(f"no kit {kit!r}: {hint}Kits are {', '.join(self.ids)}")
            found = read_kit(self._files[kit])
            if found.facts.codec != self._codec:
                raise InputError(
                    f"kit {kit} was encoded for another codec ({found.facts.codec}, this bundle has {self._codec}): "
                    "add it again with `ghostnote kit add`"
                )
            self._kits[kit] = found
        return self._kits[kit]

    def stroke(self, kit: str, stroke: int) -> StrokeCodes:
        """A stroke of a kit, ready to be decoded."""
        if (kit, stroke) not in self._strokes:
            of = self.kit(kit)
            self._strokes[kit, stroke] = stroke_codes(of.codes(stroke), of.mode_codes(stroke))
        return self._strokes[kit, stroke]
