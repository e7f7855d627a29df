"""Files in the folder of every training run: the losses as a table, and the state to resume from."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

LAST: Final = "last.ckpt"


def log_row(folder: Path, step: int, seconds: float, logs: Mapping[str, float]) -> None:
    """Append a row to log.csv; its header is that of the first row's `logs`."""
    path = folder / "log.csv"
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(["step", "minutes", *logs])
        writer.writerow([step, f"{seconds / 60:.2f}", *(f"{value:.4f}" for value in logs.values())])


def save_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write last.ckpt, wholly or not at all."""
    part = folder / f"{LAST}.part"
    torch.save(state, part)
    part.replace(folder / LAST)


def load_state(folder: Path) -> dict[str, Any] | None:
    """What `save_state` wrote, on the CPU; None where there is no last.ckpt."""
    path = folder / LAST
    if not path.is_file():
        return None
    return torch.load(path, map_location="cpu", weights_only=True)
