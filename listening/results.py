"""The answers of listening tests: a CSV file that only grows, and what follows from it.

Every answer is a line, flushed to the disk before the next trial is shown. A test resumes where its lines
end: the same listener, mode, folders and seed in the same file.
"""

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from scipy.stats import binomtest, t

from ghostnote.errors import InputError
from listening.trials import Mode


@dataclass(frozen=True)
class Answer:
    """One line of the file."""

    listener: str
    mode: str
    seed: int
    trial: int
    """From 1."""
    name: str
    a: str
    """The folder A, as given."""
    b: str
    truth: str
    answer: str
    seconds: float
    """From the question to the answer."""
    plays: int
    """How often the listener started or switched the sound."""
    answered: str
    """Local time with zone, ISO 8601."""


HEADER: Final = tuple(field.name for field in fields(Answer))
_INTEGERS: Final = ("seed", "trial", "plays")


def read_answers(path: Path) -> tuple[list[Answer], int]:
    """All answers of the file, none if there is no file, and the number of lines that are not answers.

    Raises InputError for a file that does not begin with our header: it is something else.
    """
    if not path.exists():
        return [], 0
    try:
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8"))))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as results: {error}") from None
    if not rows:
        return [], 0
    if tuple(rows[0]) != HEADER:
        raise InputError(f"{path} is not a file of listening results: choose another --out")
    found = [_parse(row) for row in rows[1:] if row]
    good = [answer for answer in found if answer]
    return good, len(found) - len(good)


def _parse(row: Sequence[str]) -> Answer | None:
    if len(row) != len(HEADER):
        return None
    values: dict[str, str | int | float] = dict(zip(HEADER, row, strict=True))
    try:
        values |= {key: int(values[key]) for key in _INTEGERS} | {"seconds": float(values["seconds"])}
    except ValueError:
        return None
    return Answer(**values)  # type: ignore[arg-type]  # every field is a column, converted above


def append(path: Path, answer: Answer) -> None:
    """Add the answer, through to the disk. A line that a crash left unfinished is ended first, and kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    with path.open("a+b") as file:
        if file.tell() == 0:
            writer.writerow(HEADER)
        else:
            file.seek(-1, os.SEEK_END)
            line.write("" if file.read(1) == b"\n" else "\n")
        writer.writerow(asdict(answer).values())
        file.write(line.getvalue().encode())
        file.flush()
        os.fsync(file.fileno())


@dataclass(frozen=True)
class AbxScore:
    """How often X was identified."""

    correct: int
    trials: int
    p: float
    """Chance of as many or more by guessing: exact binomial, one-sided."""
    low: float
    high: float
    """95 % interval of the share (Clopper and Pearson 1934)."""


def abx_score(answers: Sequence[Answer]) -> AbxScore:
    """The score of ABX answers; p = 1 and the interval 0..1 without any."""
    correct = sum(answer.answer == answer.truth for answer in answers)
    if not answers:
        return AbxScore(0, 0, 1.0, 0.0, 1.0)
    test = binomtest(correct, len(answers), 0.5, alternative="greater")
    share = binomtest(correct, len(answers)).proportion_ci(0.95)
    return AbxScore(correct, len(answers), float(test.pvalue), float(share.low), float(share.high))


@dataclass(frozen=True)
class Opinion:
    """Mean opinion score of a folder with its 95 % interval (Student's t; NaN below two ratings)."""

    mean: float
    low: float
    high: float
    ratings: int


def opinion(answers: Sequence[Answer], folder: str) -> Opinion:
    """The mean rating of clips from `folder` ("a" or "b")."""
    values = [int(answer.answer) for answer in answers if answer.truth == folder]
    n = len(values)
    mean = sum(values) / n if n else float("nan")
    if n < 2:
        return Opinion(mean, float("nan"), float("nan"), n)
    variance = sum((value - mean) ** 2 for value in values) / (n - 1)
    reach = float(t.ppf(0.975, n - 1)) * (variance / n) ** 0.5
    return Opinion(mean, mean - reach, mean + reach, n)


def scores(answers: Sequence[Answer], mode: Mode) -> dict[str, dict[str, float | None]]:
    """What a test found, for JSON: `abx`, or `a` and `b` when rating; None for what is not defined."""
    found = {"abx": asdict(abx_score(answers))} if mode == "abx" else {f: asdict(opinion(answers, f)) for f in "ab"}
    return {key: {k: None if v != v else v for k, v in score.items()} for key, score in found.items()}
