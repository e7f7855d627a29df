"""A queue of items by the time at which they are due; items due at the same time stay in order of arrival."""

import heapq
from collections.abc import Callable, Iterator
from itertools import count
from typing import Generic, TypeVar

Time = TypeVar("Time", int, float)
Item = TypeVar("Item")


class TimedQueue(Generic[Time, Item]):
    """A queue by time, in seconds, frames or beats. Not thread-safe."""

    def __init__(self, bound: int | None = None) -> None:
        """`bound`: the most items that may wait, None = any number."""
        self._heap: list[tuple[Time, int, Item]] = []
        self._order = count()
        self._bound = bound

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[Item]:
        """All waiting items, in order."""
        return (item for _, _, item in sorted(self._heap, key=lambda entry: entry[:2]))

    @property
    def full(self) -> bool:
        """Whether the queue is full."""
        return self._bound is not None and len(self._heap) >= self._bound

    @property
    def next_due(self) -> Time | None:
        """When the first item is due, None if the queue is empty."""
        return self._heap[0][0] if self._heap else None

    def put(self, due: Time, item: Item) -> bool:
        """Add an item that is due at `due`; False if the queue is full."""
        if self.full:
            return False
        heapq.heappush(self._heap, (due, next(self._order), item))
        return True

    def take_until(self, now: Time) -> list[tuple[Time, Item]]:
        """What is due at `now` or earlier, in order."""
        return self._take(lambda due: due <= now)

    def take_before(self, end: Time) -> list[tuple[Time, Item]]:
        """What is due before `end`, in order."""
        return self._take(lambda due: due < end)

    def _take(self, is_due: Callable[[Time], bool]) -> list[tuple[Time, Item]]:
        taken: list[tuple[Time, Item]] = []
        while self._heap and is_due(self._heap[0][0]):
            due, _, item = heapq.heappop(self._heap)
            taken.append((due, item))
        return taken

    def move(self, to: Callable[[Time], Time]) -> None:
        """Map all due times by `to`, which must preserve their order."""
        self._heap = [(to(due), order, item) for due, order, item in self._heap]
        heapq.heapify(self._heap)

    def clear(self) -> None:
        """Forget everything."""
        self._heap.clear()
