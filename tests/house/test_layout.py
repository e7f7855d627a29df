"""The layout: ARCHITECTURE's map is the tree, no file imports itself round a corner, no large file slips in."""

import ast
import re
import subprocess
import tomllib
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
LARGEST_BLOB = 512 * 1024
LARGE_FILES = {
    "docs/screenshots/about-200.png": "a picture of the app at twice the pixels",
    "presets/bundles/ghostnote-2/decoder.onnx": "the sound that ships",
    "presets/bundles/ghostnote-2/encoder.onnx": "turns recordings into kits",
    "presets/drummers/continuation/body.onnx": "the drummer that ships",
    "presets/kits/gogodze_lofi.ghostkit": "203 recordings",
    "presets/kits/muldjord_metal.ghostkit": "162 recordings",
    "presets/kits/muldjord_room.ghostkit": "138 recordings",
    "presets/kits/red_zeppelin.ghostkit": "100 recordings",
    "presets/kits/salamander_hybrid.ghostkit": "123 recordings",
    "presets/kits/sm_rock.ghostkit": "158 recordings",
    "presets/kits/sonor_force.ghostkit": "114 recordings",
    "tests/data/tiny_bundle/decoder.onnx": "the real graph at its smallest: its transforms are fixed",
    "tests/data/tiny_bundle/encoder.onnx": "the real graph at its smallest: its transforms are fixed",
}
"""Tracked files above `LARGEST_BLOB` and why they must be in the repository."""


def modules() -> dict[str, Path]:
    """Dotted name -> file of every module of ours."""
    files = sorted(path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {".".join(file.with_suffix("").parts).removesuffix(".__init__"): ROOT / file for file in files}


def tracked() -> list[str]:
    """The files that git tracks, as paths from the root."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("needs a git checkout: this is a copy without its history")
    return [name for name in listed.stdout.split("\0") if name]


def mapped() -> set[str]:
    """The folders in ARCHITECTURE's map: the first block of code, two spaces a level, each name with a slash."""
    block = re.search(r"```\n(.*?)```", (ROOT / "ARCHITECTURE.md").read_text("utf-8"), re.DOTALL)
    assert block is not None, "ARCHITECTURE.md has no map"
    folders, above = set(), []
    for line in block[1].splitlines():
        if entry := re.match(r"( *)([\w.]+)/", line):
            above[len(entry[1]) // 2 :] = [entry[2]]
            folders.add("/".join(above))
    return folders


def test_the_map_in_architecture_is_the_tree():
    top = {name.partition("/")[0] for name in tracked() if "/" in name and not name.startswith(".")}
    packages = {"/".join(name.split(".")) for name, file in modules().items() if file.name == "__init__.py"}
    assert mapped() == top | packages


def test_no_circle_of_imports_among_files():
    known = modules()
    graph = {name: imported(file, known) - {name} for name, file in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def imported(file: Path, known: dict[str, Path]) -> set[str]:
    """The modules of ours that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & known.keys()
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found |= {inner if inner in known else node.module} & known.keys()
    return found


def test_no_class_name_means_two_things():
    where = defaultdict(list)
    for name, file in modules().items():
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                where[node.name].append(name)
    assert {name: places for name, places in where.items() if len(places) > 1} == {}


def test_every_large_file_in_the_repository_has_its_reason():
    large = {name for name in tracked() if (ROOT / name).is_file() and (ROOT / name).stat().st_size > LARGEST_BLOB}
    assert large == set(LARGE_FILES), "make it smaller, or give the reason in LARGE_FILES"
