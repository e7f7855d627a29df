"""`ghostnote evaluate drummers`: what the drummers play, measured against real drumming of the test split."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from cli.groove_data import DATA, groove_performances

if TYPE_CHECKING:
    from cli.evaluation_drums import Findings, Ground

SECTIONS: Final = {
    "styles": "cli.evaluation_styles:styles",
    "crossed": "cli.evaluation_crossed:crossed",
    "latents": "cli.evaluation_latents:latents",
    "knobs": "cli.evaluation_knobs:knobs",
    "continuation": "cli.evaluation_continuation:continuation",
    "humanizer": "cli.evaluation_humanizer:humanizer",
    "humanizer-crossed": "cli.evaluation_humanizer_crossed:humanizer_crossed",
    "speed": "cli.evaluation_speed:speed",
}
"""Name -> "module:function" that takes the `Ground` and returns `Findings`, in the order of the page."""


def drummers(
    data: Annotated[Path, typer.Option(envvar="GHOSTNOTE_DATA", help="Folder that holds groove.")] = DATA,
    models: Annotated[Path, typer.Option(help="Folder of the drummers' models.")] = Path("presets/drummers"),
    classifiers: Annotated[
        Path, typer.Option(help="Folder of the classifiers; what is not there is trained (about an hour of a core).")
    ] = Path("runs/drummers/classifiers"),
    only: Annotated[
        str, typer.Option(help=f"Measure these sections anew, of: {', '.join(SECTIONS)}; empty: all of them.")
    ] = "",
    notes: Annotated[Path, typer.Option(help="Folder of what was measured; the page is made of it.")] = Path(
        "runs/drummers/findings"
    ),
    out: Annotated[Path, typer.Option(help="Folder for results-drummers.md and .csv.")] = Path("docs"),
    quick: Annotated[bool, typer.Option("--quick", help="Few loops: wide intervals.")] = False,
) -> None:
    """Measure the drummers on the Groove test split and write docs/results-drummers.md and results-drummers.csv."""
    from cli.evaluate import known
    from cli.evaluation_crossed import DECIDES
    from cli.evaluation_drums import Ground
    from cli.evaluation_humanizer_crossed import DECIDES as HUMANIZER_DECIDES
    from cli.evaluation_kept import dated, keep, kept, measured
    from evaluation.drummers.report import write_report

    wanted = known(only, SECTIONS, "section") or list(SECTIONS)
    files = {name: notes / f"{name}.json" for name in SECTIONS}
    ground = Ground(groove_performances(data), models, classifiers, out, quick)
    console = Console(stderr=True)
    for name in wanted:
        with console.status(name):
            keep(files[name], dated(run_section(name, ground)))
    found = {name: findings for name in SECTIONS if (findings := kept(files[name]))}
    sections = [section for findings in found.values() for section in findings.sections]
    claims = [claim for findings in found.values() for claim in findings.claims]
    about = {**settings(quick), "measured in parts": measured(found)}
    for path in write_report(sections, claims, about, out, f"{DECIDES}\n{HUMANIZER_DECIDES}"):
        Console(soft_wrap=True, highlight=False).print(str(path))


def run_section(name: str, ground: "Ground") -> "Findings":
    """The section's findings; a model that is not there is named in its place."""
    from pkgutil import resolve_name

    from cli.evaluation_drums import Findings
    from evaluation.drummers.report import Section
    from ghostnote.errors import MissingError

    try:
        return resolve_name(SECTIONS[name])(ground)
    except MissingError as error:
        return Findings([Section(name.capitalize(), f"Not measured: {error}")])


def settings(quick: bool) -> dict[str, str]:
    """The machine and the choices that all numbers depend on."""
    from importlib.metadata import version

    from cli.machine import machine

    packages = ("numpy", "onnxruntime", "torch", "scikit-learn", "mir_eval", "scipy")
    return {
        "command": f"`{shlex.join(['ghostnote', *sys.argv[1:]])}`" + (": few loops, wide intervals" if quick else ""),
        "music": "Groove MIDI Dataset, its own split; real drums are the test split, everything is trained on train "
        "(sections on every performance: as stated there)",
        "intervals": "95 %, over performances (bootstrap; AUC, pooled distances: jackknife): "
        "loops of one take hang together",
        "machine": machine(),
        "packages": ", ".join(f"{name} {version(name)}" for name in packages if _installed(name)),
    }


def _installed(name: str) -> bool:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False
