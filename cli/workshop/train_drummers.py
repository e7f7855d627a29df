"""`ghostnote train-drummers`: train a drummer on the Groove MIDI Dataset and export it to a model folder."""

from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Annotated, Final

import typer
from rich.console import Console

from cli.workshop.options import DATA
from training.data.groove import groove_performances


@dataclass(frozen=True)
class DrummerTrainer:
    """Where a drummer is trained and exported, each as "module:function".

    train(performances, folder, minutes, report) -> the checkpoint's path, in the run folder given; minutes 0: the
    recipe's own time. export(run folder, model folder) writes the ONNX graphs and model.toml.
    """

    train: str
    export: str


TRAINERS: Final = {
    "groovegen": DrummerTrainer("training.drummers.groovegen.train:train", "export.drummers.groovegen:export"),
    "humanizer": DrummerTrainer("training.drummers.humanizer.train:train", "export.drummers.humanizer:export"),
    "continuation": DrummerTrainer("training.drummers.continuation.train:train", "export.drummers.continuation:export"),
}
"""One line per drummer."""
MODELS: Final = Path("presets/drummers")


def train_drummers(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(TRAINERS)}.")],
    data: Annotated[Path, typer.Option(envvar="GHOSTNOTE_DATA", help="Folder with `groove`.")] = DATA,
    runs: Annotated[Path, typer.Option(help="Folder of run folders; the run's is NAME.")] = Path("runs"),
    out: Annotated[Path | None, typer.Option(help="Model folder; presets/drummers/NAME if not given.")] = None,
    minutes: Annotated[float, typer.Option(min=0, help="Training time, 0: the recipe's.")] = 0.0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of torch.")] = 1,
    export_only: Annotated[bool, typer.Option("--export-only", help="Only export the run, without training.")] = False,
) -> None:
    """Train a drummer and export it as ONNX."""
    from ghostnote.errors import InputError

    if name not in TRAINERS:
        raise InputError(f"no drummer {name!r} to train: choose from {', '.join(TRAINERS)}")
    import torch

    torch.set_num_threads(threads)
    console = Console(highlight=False, soft_wrap=True)
    if not export_only:
        checkpoint = resolve_name(TRAINERS[name].train)(groove_performances(data), runs / name, minutes, console.print)
        console.print(f"{checkpoint}")
    folder = out or MODELS / name
    resolve_name(TRAINERS[name].export)(runs / name, folder)
    console.print(f"{folder}")
