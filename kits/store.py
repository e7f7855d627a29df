"""Where kits are: those that ship in presets/kits and the user's own in `user_dir() / "kits"`, one file each."""

from difflib import get_close_matches
from pathlib import Path

from ghostnote.errors import InputError, MissingError
from ghostnote.files.paths import SHIPPED, check_name, user_dir
from kits.coded_kit import SUFFIX, KitFacts, read_facts

KITS_DIR = SHIPPED / "kits"


def user_kits_dir() -> Path:
    """The folder of the user's kits; it need not exist."""
    return user_dir() / "kits"


def kit_files(bundle: Path | None = None) -> dict[str, Path]:
    """Kit files by id, shipped ones first, each group sorted; of two with the same id the user's counts.

    `bundle`: a bundle's folder, whose own kits (in its folder kits/) come before all others.
    """
    found: dict[str, Path] = {}
    for folder in (*((bundle / "kits",) if bundle else ()), KITS_DIR, user_kits_dir()):
        found |= {path.name.removesuffix(SUFFIX): path for path in sorted(folder.glob(f"*{SUFFIX}"))}
    return found


def list_kits(codec: str | None = None, bundle: Path | None = None) -> tuple[list[KitFacts], dict[str, str]]:
    """Facts of all kits (of those for `codec`), and file name -> why it cannot be read."""
    kits: list[KitFacts] = []
    faults: dict[str, str] = {}
    for path in kit_files(bundle).values():
        try:
            facts = read_facts(path)
        except (InputError, MissingError) as error:
            faults[path.name] = str(error)
            continue
        if codec in (None, facts.codec):
            kits.append(facts)
        else:
            faults[path.name] = f"{path} was encoded for another codec: add the kit again with `ghostnote kit add`"
    return kits, faults


def playable(codec: str, bundle: Path | None = None) -> dict[str, Path]:
    """Kit files by id whose codes are for `codec`. Raises MissingError if there is none."""
    files = kit_files(bundle)
    fitting = {facts.id for facts in list_kits(codec, bundle)[0]}
    chosen = {kit: path for kit, path in files.items() if kit in fitting}
    if not chosen:
        raise MissingError(
            f"no kits for this bundle in {KITS_DIR} or {user_kits_dir()}: add one with `ghostnote kit add`"
        )
    return chosen


def find_kit(kit: str, bundle: Path | None = None) -> Path:
    """The file of a kit. Raises MissingError with the nearest ids and all of them."""
    files = kit_files(bundle)
    if kit not in files:
        near = get_close_matches(kit.lower(), files, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise MissingError(f"no kit {kit!r}: {hint}Kits are {', '.join(files) or 'none'}")
    return files[kit]


def remove_kit(kit: str) -> Path:
    """Delete a kit of the user's; returns its file. Raises InputError for a shipped kit, MissingError for none."""
    path = find_kit(kit)
    if path.parent != user_kits_dir():
        raise InputError(f"kit {kit} ships with Ghostnote and stays; yours are in {user_kits_dir()}")
    path.unlink()
    return path


def new_kit_path(kit: str, *, overwrite: bool = False) -> Path:
    """Where a new kit of the user's goes; the folder is made. Raises InputError for a bad id or one that is taken."""
    path = user_kits_dir() / f"{check_name(kit, 'kit id')}{SUFFIX}"
    if not overwrite and kit in kit_files():
        raise InputError(
            f"there is a kit {kit!r} already, {kit_files()[kit]}: choose another id (--id) or --replace it"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
