"""Public corpora that this project can read, and how they are fetched: resumable, verified."""

import hashlib
import http.client
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ghostnote.errors import InputError, MissingError


@dataclass(frozen=True)
class Entry:
    """One downloadable corpus."""

    name: str
    title: str
    licence: str
    url: str
    size: int
    """Bytes of the download."""
    sha256: str | None
    """None = not publicly known."""
    remark: str = ""

    @property
    def file_name(self) -> str:
        """Name of the downloaded file."""
        return self.url.rpartition("/")[2]


_MAGENTA: Final = "https://storage.googleapis.com/magentadata/datasets"

# Sizes and checksums of Groove: tensorflow/datasets, tensorflow_datasets/datasets/groove/checksums.tsv; of E-GMD: the
# figures that public users of the archive pin.
CATALOGUE: Final = (
    Entry(
        "groove",
        "Groove MIDI Dataset 1.0.0, MIDI only",
        "CC BY 4.0",
        f"{_MAGENTA}/groove/groove-v1.0.0-midionly.zip",
        3_260_318,
        "651cbc524ffb891be1a3e46d89dc82a1cecb09a57c748c7b45b844c4841dcc1e",
    ),
    Entry(
        "groove-audio",
        "Groove MIDI Dataset 1.0.0 with TD-11 audio",
        "CC BY 4.0",
        f"{_MAGENTA}/groove/groove-v1.0.0.zip",
        5_111_599_714,
        "21559feb2f1c96ca53988fd4d7060b1f2afe1d854fb2a8dcea5ff95cf3cce7e9",
    ),
    Entry(
        "egmd",
        "Expanded Groove MIDI Dataset 1.0.0, 43 kits of a TD-17",
        "CC BY 4.0",
        f"{_MAGENTA}/e-gmd/v1.0.0/e-gmd-v1.0.0.zip",
        96_422_999_145,
        "7d9a264fb4c9eabd9fec09d5f8e333192f529b1a1b845d170279a977ac436053",
        "unpack it to read it",
    ),
)


def find_entry(name: str) -> Entry:
    """The entry of that name. Raises InputError that lists the names."""
    for entry in CATALOGUE:
        if entry.name == name:
            return entry
    raise InputError(f"no corpus {name!r}: known are {', '.join(entry.name for entry in CATALOGUE)}")


def download(entry: Entry, folder: Path, progress: Callable[[int, int], None]) -> tuple[Path, str]:
    """Fetch a corpus into `folder`; returns the file and its SHA-256, which is verified where it is known.

    An interrupted download stays as .part and is continued by the next call; a finished file is only verified.
    `progress` is called with bytes there and bytes in all. Raises MissingError if the server cannot deliver, InputError
    if the disk is too small or the checksum differs (the file is then kept as .corrupt).
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / entry.file_name
    part = target.with_name(target.name + ".part")
    if target.exists():
        return target, _verified(target, entry)
    have = part.stat().st_size if part.exists() else 0
    free = shutil.disk_usage(folder).free
    if free < entry.size - have:
        raise InputError(f"{entry.name} needs {entry.size - have:,} more bytes, but {folder} has only {free:,} free")
    try:
        _fetch(entry.url, part, progress)
    except (OSError, http.client.HTTPException) as error:
        kept = part.stat().st_size if part.exists() else 0
        reason = getattr(error, "reason", None) or error
        raise MissingError(
            f"cannot fetch {entry.url}: {reason}; {kept:,} bytes are kept, run again to resume"
        ) from error
    digest = _verified(part, entry)
    part.rename(target)
    return target, digest


def _fetch(url: str, part: Path, progress: Callable[[int, int], None]) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return  # nothing is left to fetch; the checksum decides
        raise
    with response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            have = 0  # the server sends all of it
        total = have + int(response.headers.get("Content-Length", 0))
        with part.open("ab" if have else "wb") as file:
            while block := response.read(1 << 18):
                file.write(block)
                have += len(block)
                progress(have, total)
    if have < total:
        raise ConnectionError(f"the connection ended after {have:,} of {total:,} bytes")


def _verified(path: Path, entry: Entry) -> str:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if entry.sha256 not in (None, digest):
        corrupt = path.with_name(entry.file_name + ".corrupt")
        path.rename(corrupt)
        raise InputError(
            f"{entry.name}: SHA-256 is {digest}, expected {entry.sha256}; kept as {corrupt}, fetch it again"
        )
    return digest
