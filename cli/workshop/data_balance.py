"""`ghostnote data balance`: the distribution of styles in the dataset, before and after balancing."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.workshop.options import DATA
from training.data.groove import groove_performances


def balance(
    data: Annotated[Path, typer.Option(envvar="GHOSTNOTE_DATA", help="Folder with `groove`.")] = DATA,
    plot: Annotated[Path, typer.Option("--plot", "-o", help="PNG with the histograms before and after.")] = Path(
        "out/balance.png"
    ),
    least: Annotated[int, typer.Option(min=1, help="Train performances of a rare style after over-sampling.")] = 40,
    most: Annotated[
        int, typer.Option(min=1, help="Train performances of a frequent style after under-sampling.")
    ] = 120,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same split and copies.")] = 0,
) -> None:
    """Show the Groove MIDI Dataset's styles per split: the authors' split, a stratified one, grouped, and balanced."""
    from rich.table import Table

    from training.drummers.common.balance import SPLITS, counts, group_styles, over_sample, save_histograms, split_again
    from training.drummers.common.balance import under_sample as under

    authors = list(groove_performances(data))
    again = split_again(authors, seed)
    even = under(over_sample(again, least, seed), most, seed)
    panels = [
        ("the authors' split (default)", authors),
        ("stratified by style, 80/10/10", again),
        (f"stratified, train styles between {least} and {most} performances", even),
        ("the authors' split in groups of styles", group_styles(authors)),
    ]
    console = Console(highlight=False, soft_wrap=True)
    table = Table("style", *(f"{title}: train / validation / test" for title, _ in panels[:3]))
    before = counts(authors)
    after = [counts(performances) for _, performances in panels[:3]]
    for style in sorted({style for split in SPLITS for style in before[split]}):
        table.add_row(style, *(" / ".join(str(found[split][style]) for split in SPLITS) for found in after))
    console.print(table)
    save_histograms(plot, panels)
    console.print(str(plot), markup=False)
