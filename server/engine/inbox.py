"""The one queue into the render thread."""

from collections import deque

from ghostnote.events import Command, Event
from server.engine.bundle_swap import NewBundle

Item = Event | Command | NewBundle


class Inbox:
    """Events and commands, at most `bound` waiting; what comes when it is full is dropped and counted.

    Any thread puts, the render thread takes. A deque's append and popleft are atomic; between the check and the append
    other threads may slip in, so the bound can be exceeded by the number of putting threads, never by more.
    """

    def __init__(self, bound: int = 4096) -> None:
        self._queue: deque[Item] = deque()
        self._bound = bound
        self.dropped = 0

    def put(self, item: Item) -> bool:
        """Add `item`; whether there was room."""
        if len(self._queue) >= self._bound:
            self.dropped += 1
            return False
        self._queue.append(item)
        return True

    def __len__(self) -> int:
        return len(self._queue)

    def take(self) -> list[Item]:
        """All that waits, oldest first."""
        return [self._queue.popleft() for _ in range(len(self._queue))]
