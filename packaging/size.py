"""Print how large a folder is and what in it is largest: `python packaging/size.py FOLDER [LIMIT_MB]`.

Ends with status 1 above the limit. MB is a million bytes of file contents.
"""

import sys
from collections import Counter
from pathlib import Path

SHOWN = 12


def sizes(folder: Path) -> Counter[str]:
    """Bytes by what lies in the folder or its `_internal`; links are not followed, and count nothing."""
    found: Counter[str] = Counter()
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            parts = [part for part in file.relative_to(folder).parts if part != "_internal"]
            found["/".join(parts[:2] if parts[0] == "presets" else parts[:1])] += file.stat().st_size
    return found


def main(folder: Path, limit: float = float("inf")) -> int:
    """The table on standard output; the exit status."""
    found = sizes(folder)
    total = found.total() / 1e6
    lines = [f"{size / 1e6:8.1f} MB  {name}" for name, size in found.most_common(SHOWN)]
    sys.stdout.write("\n".join([*lines, f"{total:8.1f} MB  {folder}"]) + "\n")
    if total > limit:
        sys.stderr.write(f"{folder} has {total:.0f} MB, more than the {limit:.0f} MB that are allowed\n")
    return int(total > limit)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *map(float, sys.argv[2:3])))
