"""`ghostnote kits`: the kits and drummers of a bundle."""

from rich.console import Console

from cli.options import BundleOption


def kits(bundle: BundleOption = None) -> None:
    """List the kits of a bundle with character and licence, and its drummers."""
    from rich.table import Table

    from ghostnote.files.bundle import bundle_folder, load_manifest

    manifest = load_manifest(bundle_folder(bundle))
    table = Table("kit", "name", "character", "licence", title=f"bundle {manifest.name}, {manifest.licence}")
    for info in manifest.kits:
        table.add_row(info.id, info.name, info.character, info.licence)
    console = Console(highlight=False)
    console.print(table)
    console.print("drummers: " + ", ".join(f"{index} {name}" for index, name in enumerate(manifest.drummers)))
