"""A listening test in progress: which question is open, and where its answers go. No HTTP here."""

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from ghostnote.errors import InputError
from listening.clips import Level, common_loudness, matched_wav, measure_loudness
from listening.results import Answer, append, read_answers, scores
from listening.trials import Mode, Trial, abx_trials, answers, paired, rating_trials


@dataclass(frozen=True)
class ListeningRequest:
    """The parameters of a listening test."""

    a: Path
    b: Path
    out: Path
    mode: Mode = "abx"
    trials: int = 16
    """Of an ABX test; ratings ask for every clip once."""
    listener: str = "listener"
    seed: int | None = None
    """None: resume the last unfinished test of this listener, else start another."""


class ListeningSession:
    """Asks the trials in order; safe to use from several threads."""

    def __init__(self, request: ListeningRequest) -> None:
        """Raises InputError or MissingError for clips or a results file that cannot serve."""
        self.request = request
        recorded, self.damaged_lines = read_answers(request.out)
        mine = [answer for answer in recorded if self._mine(answer)]
        self.unpaired: list[str] = []
        seed = request.seed if request.seed is not None else self._unfinished(mine)
        self.seed = secrets.randbelow(2**31) if seed is None else seed
        self.trials = self._trials(self.seed)
        self.given = [answer for answer in mine if answer.seed == self.seed]
        self._check_recorded()
        self._levels = _levels(self.trials)
        self.lufs = common_loudness(list(self._levels.values()))
        self._lock = threading.Lock()

    @property
    def done(self) -> bool:
        """Whether every question is answered."""
        return len(self.given) >= len(self.trials)

    def state(self) -> dict[str, Any]:
        """What the page shows; the scores only when all is answered, so that nobody stops on a lucky streak."""
        return {
            "mode": self.request.mode,
            "listener": self.request.listener,
            "trial": len(self.given) + 1,
            "trials": len(self.trials),
            "clips": [] if self.done else list(self.trials[len(self.given)].clips),
            "done": self.done,
            "results": str(self.request.out),
            "scores": scores(self.given, self.request.mode) if self.done else None,
        }

    def clip(self, trial: int, slot: str) -> bytes:
        """The level-matched WAV of a clip of a trial (from 1). Raises InputError for any other clip."""
        if not 1 <= trial <= len(self.trials) or slot not in self.trials[trial - 1].clips:
            raise InputError(f"no clip {slot!r:.20} in trial {trial}")
        return self._sound(self.trials[trial - 1].clips[slot])

    def answer(self, trial: int, answer: str, seconds: float, plays: int) -> None:
        """Keep the answer to the open question. Raises InputError for another question or an impossible answer."""
        with self._lock:
            if self.done or trial != len(self.given) + 1:
                raise InputError(f"trial {trial} is not the open question: reload the page")
            if answer not in answers(self.request.mode):
                raise InputError(f"answer {answer!r:.20}: choose from {', '.join(answers(self.request.mode))}")
            asked = self.trials[trial - 1]
            kept = self._line(self.seed, trial, asked, answer, round(seconds, 2), plays)
            append(self.request.out, kept)
            self.given.append(kept)

    def _line(self, seed: int, trial: int, asked: Trial, answer: str, seconds: float, plays: int) -> Answer:
        r, now = self.request, datetime.now().astimezone().isoformat(timespec="seconds")
        a, b = str(r.a), str(r.b)
        return Answer(r.listener, r.mode, seed, trial, asked.name, a, b, asked.truth, answer, seconds, plays, now)

    def _mine(self, answer: Answer) -> bool:
        r = self.request
        return (answer.listener, answer.mode, answer.a, answer.b) == (r.listener, r.mode, str(r.a), str(r.b))

    def _trials(self, seed: int) -> list[Trial]:
        if self.request.mode == "rate":
            return rating_trials(self.request.a, self.request.b, seed)
        pairs, self.unpaired = paired(self.request.a, self.request.b)
        return abx_trials(pairs, self.request.trials, seed)

    def _unfinished(self, mine: Sequence[Answer]) -> int | None:
        if not mine:
            return None
        last = mine[-1].seed
        answered = sum(answer.seed == last for answer in mine)
        return last if answered < len(self._trials(last)) else None

    def _check_recorded(self) -> None:
        for number, (answer, trial) in enumerate(zip(self.given, self.trials, strict=False), 1):
            if (answer.trial, answer.name, answer.truth) != (number, trial.name, trial.truth):
                raise InputError(
                    f"{self.request.out}: the folders have changed since this test was begun (trial {number} was "
                    f"{answer.name}, now {trial.name}): choose another --out or --seed"
                )

    @lru_cache(maxsize=8)  # noqa: B019 - one session per program
    def _sound(self, path: Path) -> bytes:
        return matched_wav(path, self._levels[path], self.lufs)


def _levels(trials: Sequence[Trial]) -> dict[Path, Level]:
    return {path: measure_loudness(path) for path in dict.fromkeys(p for trial in trials for p in trial.clips.values())}
