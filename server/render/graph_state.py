"""What a graph remembers from call to call, pass by pass; owned by one renderer.

Passes that are awake take the first places, so what they remember is handed over without copying it: a graph reads only
the few rows that lie its lags ago and says one row more per hop. (When whole histories went in and out, nine passes
moved 7 MB a hop, and a hop took 0.5 ms longer.)
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ghostnote.files.bundle import StateTensor

Floats = NDArray[np.float32]


class State:
    """The state tensors of one graph."""

    def __init__(self, tensors: Sequence[StateTensor], most: int) -> None:
        """For up to `most` passes; none is awake yet."""
        self._parts: list[_Part] = [_History(t, most) if t.lags else _Plain(t, most) for t in tensors]
        self.passes = 0

    def add(self) -> None:
        """One pass more, in the last place, from silence."""
        self.passes += 1
        for part in self._parts:
            part.values[self.passes - 1] = 0

    def drop(self, place: int) -> None:
        """One pass less; the last one takes its place."""
        self.passes -= 1
        for part in self._parts:
            part.values[place] = part.values[self.passes]

    def feeds(self, hops: int) -> Mapping[str, Floats]:
        """Inputs of a call of so many hops by name."""
        return {name: value[: self.passes] for part in self._parts for name, value in part.feeds(hops)}

    def take(self, outputs: Sequence[Floats]) -> None:
        """Outputs of the call, in the order of the tensors."""
        for part, output in zip(self._parts, outputs, strict=True):
            part.take(output)


class _Part(Protocol):
    values: Floats
    """[most passes, ...]"""

    def feeds(self, hops: int) -> list[tuple[str, Floats]]: ...

    def take(self, output: Floats) -> None: ...


class _Plain:
    """A tensor that each call replaces."""

    def __init__(self, tensor: StateTensor, most: int) -> None:
        self._name = tensor.name
        self.values = np.zeros((most, *tensor.shape), np.float32)

    def feeds(self, hops: int) -> list[tuple[str, Floats]]:
        return [(self._name, self.values)]

    def take(self, output: Floats) -> None:
        self.values[: len(output)] = output


class _History:
    """The last rows of a sequence, each kept twice in a ring, so that any stretch of them lies in one piece."""

    def __init__(self, tensor: StateTensor, most: int) -> None:
        self._span, width = tensor.shape
        self._inputs = list(zip(tensor.inputs(1), tensor.lags, strict=True))
        self.values = np.zeros((most, 2 * self._span, width), np.float32)
        self._at = 0
        """Place of the oldest row."""

    def feeds(self, hops: int) -> list[tuple[str, Floats]]:
        end = self._at + self._span
        return [(name, self.values[:, end - lag : end - lag + min(hops, lag)]) for name, lag in self._inputs]

    def take(self, output: Floats) -> None:
        passes, hops, _ = output.shape
        if hops == 1:
            self.values[:passes, self._at] = self.values[:passes, self._at + self._span] = output[:, 0]
        else:
            newest = output[:, -self._span :]
            places = (self._at + np.arange(hops - newest.shape[1], hops)) % self._span
            self.values[:passes, places] = self.values[:passes, places + self._span] = newest
        self._at = (self._at + hops) % self._span
