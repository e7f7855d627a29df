"""The kits as the browser shows them, and searching them."""

from ghostnote.files.bundle import bundle_folder, load_manifest
from kits.layers import KitSummary
from kits.store import list_kits


def read_kits(bundle: str) -> tuple[KitSummary, ...]:
    """The kits that a bundle can play, by its name or folder, "" = the default. Raises MissingError, BundleError."""
    folder = bundle_folder(bundle or None)
    return tuple(facts.summary for facts in list_kits(load_manifest(folder).codec, folder)[0])


def search(kits: tuple[KitSummary, ...], words: str) -> list[KitSummary]:
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
