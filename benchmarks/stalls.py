"""Watches for stalls of the machine (`server.system.stalls`), from a process per core, beside other work."""

from contextlib import AbstractContextManager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import TracebackType

from server.system.stalls import Stall, cores, in_words, watch_core


class StallWatch(AbstractContextManager["StallWatch"]):
    """Watches all cores; `stalls` is filled on exit."""

    def __init__(self) -> None:
        self.stalls: list[Stall] = []
        self._context = get_context("spawn")

    def __enter__(self) -> "StallWatch":
        """Start a process per core."""
        self._watchers = [self._start(core) for core in cores()]
        return self

    def _start(self, core: int | None) -> tuple[SpawnProcess, Connection]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_watch, args=(core, theirs), daemon=True)
        process.start()
        return process, ours

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and collect."""
        for process, pipe in self._watchers:
            pipe.send(None)
            self.stalls += pipe.recv()
            process.join()
        self.stalls.sort()

    def explain(self, start: float, end: float) -> bool:
        """Whether a stall ended between two moments."""
        return any(start <= when <= end for when, _ in self.stalls)

    @property
    def text(self) -> str:
        """In words."""
        return in_words(self.stalls)


def _watch(core: int | None, pipe: Connection) -> None:
    pipe.send(watch_core(core, pipe.poll))
