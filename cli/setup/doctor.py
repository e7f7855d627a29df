"""`ghostnote status` shows a running server's figures; `ghostnote doctor` finds what would keep one from running."""

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.options import HOST, PORT, HostOption, PortOption
from cli.setup.checks import CheckResult, find


def status(
    host: HostOption = HOST,
    port: PortOption = PORT,
) -> None:
    """Figures of a running server: xruns, late hops, render time, queues, provider, latency."""
    from ghostnote.osc.client import query
    from ghostnote.osc.table import STATUS

    figures = query(STATUS, host, port)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for name, value in zip(figures[::2], figures[1::2], strict=False):
        table.add_row(str(name), f"{value:g}" if isinstance(value, float) else str(value))
    Console(highlight=False).print(table)


def doctor(
    bundle: Annotated[str | None, typer.Option(help="Name or folder of the bundle to check.")] = None,
    watch: Annotated[
        float,
        typer.Option(min=0, max=3600, metavar="SECONDS", help="How long to watch for stalls."),
    ] = 3.0,
    as_json: Annotated[bool, typer.Option("--json", help="Write the findings as JSON, for programs.")] = False,
) -> None:
    """Check devices, MIDI, the bundle, the provider, realtime limits and stalls, and suggest remedies."""
    findings = find(bundle, watch)
    if as_json:
        json.dump([asdict(finding) for finding in findings], sys.stdout)
        sys.stdout.write("\n")
    else:
        show(findings)
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


def show(findings: list[CheckResult]) -> None:
    """Print a table, and below it what to do."""
    console = Console(highlight=False)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for finding in findings:
        table.add_row("[green]good[/]" if finding.good else "[red]fix[/]", finding.name, escape(finding.found))
    console.print(table)
    for finding in findings:
        if not finding.good and finding.remedy:
            console.print(f"\n[bold]{finding.name}[/]: {escape(finding.remedy)}", soft_wrap=True)
