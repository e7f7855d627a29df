"""What all corpora share: performances with a report, and files read from a folder or straight from an archive."""

import csv
import io
import lzma
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ghostnote.errors import InputError, MissingError
from ghostnote.files.midi import ReadReport
from ghostnote.music.performance import Performance


@dataclass
class CorpusReport:
    """Counts of a reading; everything that was not read has a line here."""

    files: int = 0
    """MIDI files read."""
    hits: int = 0
    unknown: Counter[int] = field(default_factory=Counter[int])
    """Note-ons by note number that the MIDI map does not know."""
    problems: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Lines by file, relative to the corpus."""

    def problem(self, file: str, line: str) -> None:
        """Note a problem of a file."""
        self.problems.setdefault(file, []).append(line)

    def add(self, file: str, report: ReadReport) -> None:
        """Count what was found in one MIDI file."""
        self.files += 1
        self.hits += report.hits
        self.unknown.update(report.unknown)
        for line in report.problems:
            self.problem(file, line)
        for channel, count in report.other_channels.items():
            self.problem(file, f"{count} notes on channel {channel} not read: drums are on channel {report.channel}")


@dataclass(frozen=True)
class Corpus:
    """Performances in the order of the corpus's own table, and what happened while reading them."""

    performances: list[Performance]
    report: CorpusReport


def read_files(source: Path, suffixes: tuple[str, ...]) -> dict[str, bytes]:
    """Contents by POSIX path of all files with these suffixes in a folder, a .zip or a (compressed) .tar.

    Raises MissingError if it does not exist, and InputError for anything else, or a damaged archive.
    """
    try:
        return dict(_contents(source, suffixes))
    except FileNotFoundError as error:
        raise MissingError(f"no corpus at {source}: give a folder or an archive") from error
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise InputError(f"{source} is not a readable archive ({error}): fetch it again, or give a folder") from error
    except OSError as error:
        raise InputError(f"cannot read {source}: {error}") from error


def _contents(source: Path, suffixes: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            if path.name.endswith(suffixes) and path.is_file():
                yield path.relative_to(source).as_posix(), path.read_bytes()
    elif source.suffix == ".zip":
        with zipfile.ZipFile(source) as archive:
            for name in archive.namelist():
                if name.endswith(suffixes):
                    yield name, archive.read(name)
    else:
        with tarfile.open(source) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.name.endswith(suffixes) else None
                if content is not None:
                    yield member.name, content.read()


def read_table(data: bytes, name: str, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Rows of a CSV file as dictionaries. Raises InputError if it lacks one of the columns or is not UTF-8 text."""
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig")), restval="")
        found = reader.fieldnames or []
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{name} is not a CSV table: {error}") from error
    missing = [column for column in columns if column not in found]
    if missing:
        raise InputError(f"{name} has no column {', '.join(missing)}: found {', '.join(found) or 'nothing'}")
    return rows


def find_table(names: list[str], match: str) -> str | None:
    """The path nearest to the root whose file name matches a glob pattern, None if there is none."""
    matching = (name for name in names if PurePosixPath(name).match(match))
    return min(matching, key=lambda name: (name.count("/"), name), default=None)
