"""Ardour's session file: a MIDI region put into a track, which Ardour's Lua cannot do without its window."""

import shutil
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Final

TICKS_PER_BEAT: Final = 1920
"""Of Ardour's own musical time."""
REGION: Final = {
    **dict.fromkeys(("muted", "locked", "video-locked", "automatic", "whole-file", "import", "external"), "0"),
    **dict.fromkeys(("sync-marked", "left-of-split", "right-of-split", "hidden", "position-locked"), "0"),
    **dict.fromkeys(("valid-transients", "layering-index", "contents"), "0"),
    **dict.fromkeys(("opaque", "stretch", "shift"), "1"),
    "start": "b0", "sync-position": "b0", "ancestral-start": "b0", "ancestral-length": "b0@b0", "tags": "",
    "type": "midi", "first-edit": "nothing",
}  # fmt: skip


def add_region(session: Path, midi: Path, track: str, beats: float) -> None:
    """Put `midi` at the start of `track` in the session (a folder), as a region of `beats` quarter notes."""
    folder = next((session / "interchange").glob("*/midifiles"))
    shutil.copy(midi, folder / midi.name)
    file = session / "session.ardour"
    tree = ET.parse(file)
    root = tree.getroot()
    first = int(root.attrib["id-counter"])
    root.attrib["id-counter"] = str(first + 2)
    source = {"name": midi.name, "type": "midi", "flags": "Writable,CanRename", "id": str(first), "origin": ""}
    ET.SubElement(_child(root, "Sources"), "Source", {**source, "natural-position": "a0", "captured-for": track})
    names = {"name": midi.stem, "id": str(first + 1), "source-0": str(first), "master-source-0": str(first)}
    length = f"b{round(beats * TICKS_PER_BEAT)}@b0"
    playlist = next(p for p in _child(root, "Playlists") if p.attrib["name"] == track)
    ET.SubElement(playlist, "Region", {**REGION, **names, "length": length})
    for route in _child(root, "Routes"):
        # The default, existing material, also moves a recording earlier by the device's latencies.
        if "alignment-choice" in route.attrib:
            route.attrib["alignment-choice"] = "UseCaptureTime"
    tree.write(file, encoding="utf-8", xml_declaration=True)


def _child(root: ET.Element, name: str) -> ET.Element:
    found = root.find(name)
    if found is None:
        raise ValueError(f"the session file has no {name}")
    return found
