"""`ghostnote evaluate drummers`: what the drummers play, measured against real drumming of the test split."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.workshop.options import DATA, command_line, parse_names


def drummers(
    data: Annotated[Path, typer.Option(envvar="GHOSTNOTE_DATA", help="Folder that holds groove.")] = DATA,
    models: Annotated[Path, typer.Option(help="Folder of the drummers' models.")] = Path("presets/drummers"),
    classifiers: Annotated[
        Path, typer.Option(help="Folder of the classifiers; missing ones are trained (about an hour on one core).")
    ] = Path("runs/drummers/classifiers"),
    only: Annotated[str, typer.Option(help="Comma-separated sections to measure again; empty: all of them.")] = "",
    notes: Annotated[Path, typer.Option(help="Folder of the findings from which the page is written.")] = Path(
        "runs/drummers/findings"
    ),
    out: Annotated[Path, typer.Option(help="Folder for results-drummers.md and .csv.")] = Path("docs"),
    quick: Annotated[bool, typer.Option("--quick", help="Few loops: wide intervals.")] = False,
) -> None:
    """Measure the drummers on the Groove test split and write docs/results-drummers.md and results-drummers.csv."""
    from studies.drummers.context import Findings, StudyContext
    from studies.drummers.sections import SECTIONS, measure_section, settings_of, write_page
    from studies.findings import FindingStore
    from training.data.groove import groove_performances

    wanted = parse_names(only, SECTIONS, "section") or list(SECTIONS)
    store = FindingStore(notes, Findings)
    context = StudyContext(groove_performances(data), models, classifiers, out, quick)
    console = Console(stderr=True)
    for name in wanted:
        with console.status(name):
            store.keep(name, measure_section(name, context), command_line())
    for path in write_page(store, settings_of(command_line(), quick), out):
        Console(soft_wrap=True, highlight=False).print(str(path))
