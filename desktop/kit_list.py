"""The kits of a bundle as the browser shows them, and searching them."""

import tomllib
from pathlib import Path

from ghostnote.errors import BundleError
from ghostnote.files.bundle import MANIFEST, KitInfo, Manifest, bundle_folder, parse_manifest


def read_manifest(bundle: str) -> Manifest:
    """The manifest of a bundle by name or folder, "" = the default; its networks are not checked.

    Raises MissingError, BundleError.
    """
    file = bundle_folder(bundle or None) / MANIFEST
    return parse_manifest(_table(file), str(file))


def _table(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BundleError(f"{file} cannot be read: {error}") from error


def search(kits: tuple[KitInfo, ...], words: str) -> list[KitInfo]:
    """The kits in whose name, character, licence or author all `words` occur, in order."""
    wanted = words.lower().split()
    return [
        kit
        for kit in kits
        if all(word in f"{kit.id} {kit.name} {kit.character} {kit.licence} {kit.author}".lower() for word in wanted)
    ]


def drummer_name(name: str, index: int) -> str:
    """A drummer's display name: "drummer3" is "Drummer 3", "any" is "Any drummer"."""
    if name == "any":
        return "Any drummer"
    if name == f"drummer{index}":
        return f"Drummer {index}"
    return name
