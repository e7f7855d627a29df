"""What the networks make of kit and drummer, worked out in a thread: a change makes no hop longer."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from server.system.scheduling import OTHER_PRIORITY, prioritise_thread

Floats = NDArray[np.float32]
Choice = tuple[Floats, NDArray[np.int64]]
"""Kit weights [1, kits] and drummer [1]."""
Value = TypeVar("Value")


class Conditioning(Generic[Value]):
    """The choice in force and what `compute` makes of it. Owned by one thread."""

    def __init__(self, compute: Callable[[Floats, NDArray[np.int64]], Value], choice: Choice, *, beside: bool) -> None:
        """`beside`: compute in a thread; a choice is then in force a hop or two later instead of at once."""
        self._compute = compute
        self.wanted = self.choice = choice
        """`wanted`: the last asked for; `choice`: the one in force."""
        self._value: Value | None = None
        self._job: tuple[Choice, Future[Value]] | None = None
        self._pool = ThreadPoolExecutor(1, "condition", prioritise_thread, (OTHER_PRIORITY,)) if beside else None
        if self._pool:
            self._pool.submit(int).result()  # starting the thread takes time, too

    def want(self, kit_weights: Floats, drummer: NDArray[np.int64]) -> None:
        """Ask for another choice; one that was asked for before and is not in force yet may be left out."""
        self.wanted = (kit_weights, drummer)
        if self._value is None or not self._pool:
            self.choice, self._value = self.wanted, None

    def value(self) -> Value:
        """Of the choice in force, which is the newest that is ready. Waits only for the very first."""
        if self._value is None:
            self._value = self._compute(*self.choice)
        if self._job and self._job[1].done():
            self.choice, self._value = self._job[0], self._job[1].result()
            self._job = None
        if self._pool and not self._job and self.wanted is not self.choice:
            self._job = (self.wanted, self._pool.submit(self._compute, *self.wanted))
        return self._value

    def close(self) -> None:
        """Let the thread finish its work and stop; does not wait."""
        if self._pool:
            self._pool.shutdown(wait=False)
