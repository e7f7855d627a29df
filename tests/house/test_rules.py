"""The house rules: package names, module size, import contracts, no torch beside a DAW, device libraries."""

import ast
import pkgutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
RUNTIME = ["ghostnote", "server", "bridge", "sampler"]


def sources() -> list[Path]:
    folders = [*PACKAGES, "tests", "benchmarks"]
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def modules_of(package: str) -> list[str]:
    return [package, *(found.name for found in pkgutil.walk_packages([str(ROOT / package)], package + "."))]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_name_means_the_one_in_this_checkout(package):
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin == str(ROOT / package / "__init__.py")


def test_the_build_and_the_type_checker_know_every_package():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert set(settings["hatch"]["build"]["targets"]["wheel"]["packages"]) == set(PACKAGES)
    assert set(PACKAGES) <= set(settings["pyright"]["include"])


def test_no_module_exceeds_400_lines():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources()}
    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}


def test_test_folders_are_no_packages():
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_import_contracts_hold():
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_what_runs_beside_a_daw_loads_without_torch():
    names = [name for package in RUNTIME for name in modules_of(package)]
    script = (
        "import importlib, sys\n"
        "sys.modules['torch'] = None  # any import of it fails\n"
        f"for name in {names}: importlib.import_module(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("library", ["sounddevice", "rtmixer", "rtmidi", "fluidsynth"])
def test_one_module_per_package_touches_a_device_library(library):
    users = defaultdict(list)
    for path in sources():
        package = path.relative_to(ROOT).parts[0]
        if package in PACKAGES and library in imported_by(path):
            users[package].append(str(path.relative_to(ROOT)))
    assert {package: files for package, files in users.items() if len(files) > 1} == {}


def imported_by(path: Path) -> set[str]:
    """Top-level names of all absolute imports in a source file, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names
