"""`ghostnote kits`: the kits there are."""

from rich.console import Console

from cli.options import BundleOption


def kits(bundle: BundleOption = None) -> None:
    """List the kits with character and licence, and the drummers."""
    from rich.table import Table

    from ghostnote.files.bundle import bundle_folder, load_manifest
    from ghostnote.music.feel import DRUMMERS
    from kits.store import list_kits

    console = Console(highlight=False)
    folder = bundle_folder(bundle)
    found, faults = list_kits(load_manifest(folder).codec, folder)
    table = Table("kit", "name", "character", "licence")
    for facts in found:
        table.add_row(facts.id, facts.name, facts.character, facts.licence)
    console.print(table)
    for fault in faults.values():
        console.print(fault, soft_wrap=True)
    console.print("drummers (feel): " + ", ".join(f"{index} {name}" for index, name in enumerate(DRUMMERS)))
