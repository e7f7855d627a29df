"""`ghostnote map`: list and show MIDI maps; learn one by hitting pads."""

import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from pathlib import Path

    from bridge.midi.learn import MapLearner

app = typer.Typer(no_args_is_help=True, help="List and show MIDI maps; learn one by hitting pads.")


@app.command("list")
def list_all() -> None:
    """List the shipped maps and your own."""
    from ghostnote.errors import InputError
    from ghostnote.files.midi_map import load_map, map_names

    console = Console(highlight=False, soft_wrap=True)
    for name in map_names():
        try:
            console.print(f"{name}  {load_map(name).description}", markup=False)
        except InputError as error:
            console.print(f"left alone: {error}", markup=False, style="red")


@app.command()
def show(name: Annotated[str, typer.Argument(help="Name or file of a map.")]) -> None:
    """Print which note is which articulation."""
    from ghostnote.files.midi_map import load_map
    from ghostnote.music.articulations import ARTICULATIONS

    console = Console(highlight=False, soft_wrap=True)
    midi_map = load_map(name)
    console.print(f"{midi_map.name}: {midi_map.description}", markup=False)
    for note, lane in sorted(midi_map.lane_of_note.items()):
        console.print(f"{note:4d}  {ARTICULATIONS[lane].name}")
    if midi_map.controller is not None:
        controller = f"controller {midi_map.controller}, {midi_map.open_value} open, {midi_map.closed_value} closed"
        console.print(f"hi-hat pedal: {controller}")
    if midi_map.choke_threshold is not None:
        console.print(f"choke: aftertouch from {midi_map.choke_threshold}")


@app.command()
def learn(
    name: Annotated[str, typer.Argument(help="Name of the new map.")],
    midi: Annotated[str | None, typer.Option(help='MIDI port to listen to; default a virtual "Ghostnote In".')] = None,
    midi_api: Annotated[str, typer.Option(help="MIDI system: alsa, jack, core or winmm.")] = "auto",
    replace: Annotated[bool, typer.Option("--replace", help="Replace your map of this name.")] = False,
) -> None:
    """Build a map: hit the pad that is asked for and press Enter; Enter alone skips a pad that you do not have."""
    from bridge.midi.learn import MapLearner
    from bridge.midi.rtmidi_ports import MidiPorts

    path = new_map_path(name, replace=replace)
    console = Console(highlight=False, soft_wrap=True)
    learner = MapLearner()
    ports = MidiPorts(lambda _, data: learner.receive(data), lambda: None, midi, midi_api)
    ports.start()
    try:
        console.print(f"Listening to {ports.names[0]}.", markup=False)
        _ask_all(learner, console)
    finally:
        ports.stop()
    save_learned(learner, path)
    console.print(f"saved {path}: use it with `ghostnote serve --midi-map {name}`", markup=False)


def new_map_path(name: str, *, replace: bool) -> "Path":
    """The path of a new map of the user. Raises InputError for a bad, shipped or existing name."""
    from ghostnote.errors import InputError
    from ghostnote.files.midi_map import MAPS_DIR, user_maps_dir
    from ghostnote.files.paths import check_name

    path = user_maps_dir() / f"{check_name(name, 'map name')}.toml"
    if (MAPS_DIR / path.name).exists():
        raise InputError(f"map {name!r} is a shipped one: choose another name")
    if path.exists() and not replace:
        raise InputError(f"map {path} already exists: choose another name or give --replace")
    return path


def save_learned(learner: "MapLearner", path: "Path") -> None:
    """Write the learned map. Raises InputError if no pad was learned."""
    from ghostnote.files.paths import write_atomically

    text = learner.text(f"learned on {time.strftime('%Y-%m-%d')}")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text)


def _ask_all(learner: "MapLearner", console: Console) -> None:
    from ghostnote.errors import InputError
    from ghostnote.music.articulations import ARTICULATIONS

    for articulation in (a.name for a in ARTICULATIONS):
        while True:
            console.input(f"Hit [bold]{articulation}[/bold], then Enter: ")
            received = learner.fresh()
            if not received.notes:
                console.print("  skipped")
                break
            try:
                console.print(f"  note {learner.learn_note(articulation, received)}")
                break
            except InputError as error:
                console.print(f"  {error}: try again, or Enter to skip", markup=False)
    console.input("Open the hi-hat pedal fully, press it down firmly, let go, then Enter: ")
    controller = learner.learn_pedal(learner.fresh())
    console.print("  no pedal heard" if controller is None else f"  controller {controller}")
    console.input("Hit a cymbal and grab it, then Enter: ")
    console.print("  choke by aftertouch" if learner.learn_choke(learner.fresh()) else "  no aftertouch heard")
