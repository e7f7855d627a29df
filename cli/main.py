"""The command `ghostnote`: the table of its subcommands, logging, and how errors are printed.

A subcommand is a function with typer annotations, or a `typer.Typer` app for a group, in a file of its own in `cli`;
it is registered by one line in `COMMANDS`. Heavy imports (numpy-based packages of ours, onnxruntime, torch) belong
inside the functions, so that `ghostnote --help` stays fast and works without the optional extras.
"""

import logging
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pkgutil import resolve_name
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.markup import escape

from ghostnote.errors import GhostnoteError

COMMANDS: Final[dict[str, str]] = {
    "serve": "cli.play.serve:serve",
    "status": "cli.setup.doctor:status",
    "doctor": "cli.setup.doctor:doctor",
    "latency": "cli.play.serve:latency",
    "osc": "cli.play.osc:app",
    "preset": "cli.play.preset:app",
    "map": "cli.setup.map:app",
    "run": "cli.play.run:run",
    "app": "cli.play.app:app",
    "smoke": "cli.setup.smoke:smoke",
    "groove": "cli.make.groove:groove",
    "render": "cli.make.render:render",
    "kits": "cli.kits.list:kits",
    "continue": "cli.make.continue_:continue_",
    "humanize": "cli.make.humanize:humanize",
    "data": "cli.workshop.data:app",
    "evaluate": "cli.workshop.evaluate:app",
    "listen": "cli.workshop.listen:listen",
    "train": "cli.workshop.train:train",
    "train-drummers": "cli.workshop.train_drummers:train_drummers",
    "export": "cli.workshop.export:export",
}
"""Subcommand -> "module:attribute", in the order in which --help lists them."""

WORKSHOP: Final = frozenset({"data", "evaluate", "listen", "train", "train-drummers", "export"})
"""Subcommands that train or measure; the packaged program is without them and their packages."""

MODULES_OF_EXTRA: Final = {
    "train": ("torch", "encodec", "lightning_fabric", "safetensors", "tensorboard", "onnx", "onnxscript"),
    "evaluate": ("msgspec", "mir_eval", "scipy", "matplotlib", "sklearn", "ai_edge_litert", "pyloudnorm"),
    "soundfont": ("fluidsynth",),
    "discover": ("zeroconf",),
    "desktop": ("PySide6",),
}
"""Optional extra of pyproject.toml -> top-level modules that it brings."""

FROZEN: Final = bool(getattr(sys, "frozen", False))
"""Whether this is the packaged program (PyInstaller)."""

USER_ERROR: Final = 2
"""Exit status for errors that the user can fix, including wrong options."""


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ghostnote {version('ghostnote')}")
        raise typer.Exit


def _setup(
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose", "-v", count=True, metavar="", show_default=False, help="Log more; -vv logs everything."
        ),
    ] = 0,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, metavar="", help="Print the version."),
    ] = False,
) -> None:
    """A neural drummer for any DAW: MIDI or OSC in, neural drums out, one constant latency."""
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    handler = RichHandler(console=Console(stderr=True), show_path=verbose > 1)
    logging.basicConfig(level=level, format="%(name)s: %(message)s", datefmt="%X", handlers=[handler], force=True)


def packaged_commands() -> dict[str, str]:
    """Those of `COMMANDS` that the packaged program has."""
    return {name: target for name, target in COMMANDS.items() if name not in WORKSHOP}


def build_app(commands: dict[str, str]) -> typer.Typer:
    """The typer application with these subcommands (as in `COMMANDS`), whose modules are imported here."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(_setup)
    for name, target in commands.items():
        command = resolve_name(target)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _missing_extra(error: ModuleNotFoundError) -> str | None:
    module = (error.name or "").partition(".")[0]
    for extra, modules in MODULES_OF_EXTRA.items():
        if module in modules:
            return f"this needs the extra '{extra}' (no module '{module}'): pip install -e '.[{extra}]'"
    return None


def run(argv: Sequence[str]) -> int:
    """Run the command line `argv` (without the program's name) and return its exit status.

    0: done. 2: wrong usage or a `GhostnoteError`, shown as one line on stderr. 130: interrupted by Ctrl-C; a command
    that runs until then (a server) catches KeyboardInterrupt itself and returns, which gives 0.
    """
    name = next((word for word in argv if not word.startswith("-")), None)
    known = packaged_commands() if FROZEN else COMMANDS
    commands = {name: known[name]} if name in known else known
    try:
        build_app(commands)(args=list(argv), prog_name="ghostnote")
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 0
    except KeyboardInterrupt:
        return 130
    except GhostnoteError as error:
        return _print_error(str(error))
    except ModuleNotFoundError as error:
        hint = _missing_extra(error)
        if hint is None:
            raise
        return _print_error(hint)
    return 0


def _print_error(message: str) -> int:
    Console(stderr=True, soft_wrap=True).print(f"[red]ghostnote:[/red] {escape(message)}", highlight=False)
    return USER_ERROR


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run(sys.argv[1:]))
