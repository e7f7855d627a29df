"""`ghostnote listen`: blind listening tests in the browser."""

import getpass
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from listening.session import ListeningSession


def listen(
    a: Annotated[Path, typer.Argument(metavar="A_FOLDER", help="Sound files called A, such as real drums.")],
    b: Annotated[Path, typer.Argument(metavar="B_FOLDER", help="Sound files called B, such as generated drums.")],
    mode: Annotated[
        str, typer.Option(help="abx: is X A or B? (files paired by name); rate: each clip from 1 to 5.")
    ] = "abx",
    trials: Annotated[int, typer.Option(min=1, max=1000, help="Number of trials of an ABX test.")] = 16,
    listener: Annotated[str, typer.Option(help="Who listens; your user name if not given.", show_default=False)] = "",
    out: Annotated[Path, typer.Option("--out", "-o", help="Answers, added line by line.")] = Path("listening.csv"),
    seed: Annotated[
        int | None, typer.Option(min=0, help="Order of the trials; if not given, an unfinished test continues.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port on 127.0.0.1; 0: any free one.")] = 8077,
    browser: Annotated[bool, typer.Option(help="Open the page.")] = True,
) -> None:
    """Compare two folders of sounds blindly in the browser, level-matched; stop with Ctrl-C and resume later."""
    from ghostnote.errors import InputError
    from listening.server import ListenServer
    from listening.session import ListeningRequest, ListeningSession

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if mode not in ("abx", "rate"):
        raise InputError(f"no mode {mode!r}: choose abx or rate")
    with console.status("measuring loudness"):
        session = ListeningSession(ListeningRequest(a, b, out, mode, trials, listener or getpass.getuser(), seed))
    announce(session, console)
    with ListenServer(session, port) as server:
        console.print(f"[bold]{server.url}[/bold]  (Ctrl-C ends; every answer is already in {out})")
        if browser:
            webbrowser.open(server.url)
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            console.print()
    Console(highlight=False, soft_wrap=True).print(summary(session))


def announce(session: "ListeningSession", console: Console) -> None:
    """How many trials there are, and which files are left out."""
    if session.unpaired:
        names = ", ".join(session.unpaired[:5]) + (", ..." if len(session.unpaired) > 5 else "")
        console.print(f"[yellow]{len(session.unpaired)} files without a partner are left out:[/yellow] {names}")
    if session.damaged_lines:
        console.print(
            f"[yellow]{session.damaged_lines} lines of {session.request.out} are not answers[/yellow] and are kept"
        )
    console.print(
        f"{len(session.trials)} questions, {len(session.given)} answered; all clips at {session.lufs:.1f} LUFS"
    )


def summary(session: "ListeningSession") -> str:
    """The result of the test so far."""
    from listening.results import abx_score, opinion

    answered = f"{len(session.given)} of {len(session.trials)} answered"
    if not session.done:
        return f"{answered}; the scores are shown when all are"
    if session.request.mode == "abx":
        score = abx_score(session.given)
        return f"{answered}: {score.correct} right, p = {score.p:.3g} (exact binomial, against guessing)"
    opinions = ((folder.upper(), opinion(session.given, folder)) for folder in ("a", "b"))
    shown = (f"{name} {o.mean:.2f} [{o.low:.2f}, {o.high:.2f}] of {o.ratings} ratings" for name, o in opinions)
    return f"{answered}: {', '.join(shown)}"
