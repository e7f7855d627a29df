"""`ghostnote data`: list, fetch and check the training corpora."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from cli.workshop.data_balance import balance
from cli.workshop.options import DATA
from training.data.groove import groove_performances

if TYPE_CHECKING:
    from ghostnote.music.performance import Performance
    from training.data.corpora import CorpusReport

app = typer.Typer(no_args_is_help=True, help="List, fetch and check the training corpora.")
app.command()(balance)


@app.command("list")
def list_corpora() -> None:
    """List the known corpora with licence, size, address and checksum."""
    from training.data.catalogue import CATALOGUE

    console = Console(soft_wrap=True, highlight=False)
    for entry in CATALOGUE:
        remark = f" ({entry.remark})" if entry.remark else ""
        console.print(f"[bold]{entry.name}[/bold]  {entry.title}, {entry.licence}, {entry.size / 1e6:,.1f} MB{remark}")
        console.print(f"  {entry.url}\n  sha256 {entry.sha256 or 'not publicly known'}")


@app.command()
def download(
    name: Annotated[str, typer.Argument(help="A name that `ghostnote data list` shows.")],
    to: Annotated[Path, typer.Option(help="Folder to fetch into.")] = Path("data"),
) -> None:
    """Fetch a corpus; an interrupted download resumes where it stopped. The checksum is verified if it is known."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    from training.data.catalogue import download, find_entry

    entry = find_entry(name)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task(entry.file_name, total=entry.size)
        path, digest = download(entry, to, lambda have, total: bar.update(task, completed=have, total=total))
        size = path.stat().st_size
        bar.update(task, completed=size, total=size)
    verdict = "verified" if entry.sha256 else "NOT verified: no checksum is publicly known"
    Console(soft_wrap=True, highlight=False).print(f"{path}: {size:,} bytes, sha256 {digest} ({verdict})")


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="groove or egmd.")],
    source: Annotated[Path, typer.Argument(help="Folder; for groove also .zip or .tar.xz.")],
    show: Annotated[int, typer.Option(min=0, help="How many files with problems to list.")] = 20,
) -> None:
    """Read a corpus and print counts, unknown notes and problems. Exit status 1 if there are problems."""
    from rich.progress import track

    from ghostnote.errors import InputError
    from training.data.corpora import CorpusReport
    from training.data.egmd import egmd_rows, read_egmd
    from training.data.groove import read_groove

    if name == "groove":
        corpus = read_groove(source)
        performances, report = corpus.performances, corpus.report
    elif name == "egmd":
        report = CorpusReport()
        rows = len(egmd_rows(source)[1])
        performances = (take.performance for take in track(read_egmd(source, report), "reading", total=rows))
    else:
        raise InputError(f"cannot check {name!r}: only groove and egmd can be read")
    _show(performances, report, show)
    if report.unknown or report.problems:
        raise typer.Exit(1)


def _show(performances: "Iterable[Performance]", report: "CorpusReport", show: int) -> None:
    from collections import Counter

    fields = ("split", "kind", "style", "drummer")
    counts = {field: Counter[str]() for field in fields}
    seconds = 0.0
    for performance in performances:
        seconds += performance.duration
        for field in fields:
            counts[field][getattr(performance, field)] += 1
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{report.files:,} MIDI files, {report.hits:,} hits, {seconds / 3600:.2f} hours")
    for field in fields:
        console.print(f"{field}: {', '.join(f'{value} {count}' for value, count in counts[field].most_common())}")
    unknown = ", ".join(f"{note} ({count})" for note, count in sorted(report.unknown.items()))
    console.print(f"unknown notes: {unknown or 'none'}")
    console.print(f"files with problems: {len(report.problems)}")
    for file, lines in list(report.problems.items())[:show]:
        console.print(f"  {file}: {'; '.join(lines)}", markup=False)
    if len(report.problems) > show:
        console.print(f"  ... and {len(report.problems) - show} more (--show)")


@app.command()
def pack(
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.")] = Path("out/train.npz"),
    data: Annotated[Path, typer.Option(envvar="GHOSTNOTE_DATA", help="Folder with `groove` and `kits`.")] = DATA,
) -> None:
    """Pack performances and kits into one file from which `ghostnote train` works on a machine without the data."""
    from training.data.pack import write_pack

    performances = groove_performances(data)
    size = write_pack(out, performances, data / "kits")
    Console().print(f"{out}: {len(performances)} performances, {size / 1e6:.1f} MB")
