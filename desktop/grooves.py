"""The grooves that ship, and the phrase with which a kit is auditioned. Without Qt."""

from typing import Final

from ghostnote.files.groove import GROOVES_DIR, read_groove_file
from ghostnote.music.articulations import LANE_OF_NAME
from ghostnote.music.performance import Performance, make_hits

AUDITION: Final = (
    (0.0, "kick", 0.85),
    (0.0, "hat_closed_bow", 0.6),
    (0.25, "hat_closed_bow", 0.4),
    (0.5, "snare", 0.85),
    (0.5, "hat_closed_bow", 0.6),
    (0.75, "hat_open_bow", 0.5),
    (1.0, "kick", 0.9),
    (1.0, "crash_1", 0.7),
)
"""Seconds, articulation, velocity."""


def groove_names() -> list[tuple[str, str]]:
    """(title, name) of the shipped grooves, sorted."""
    return [(path.stem.replace("_", " ").capitalize(), path.stem) for path in sorted(GROOVES_DIR.glob("*.toml"))]


def load_groove(name: str) -> Performance:
    """A shipped groove by its name. Raises InputError, MissingError."""
    return read_groove_file(GROOVES_DIR / f"{name}.toml")


def groove_text(state: str, prompt: str, bar: int) -> str:
    """The values of /ghostnote/groove/state in words; "" when nothing is playing."""
    if state == "listening":
        return "Listening: play two to four bars"
    if state != "playing":
        return ""
    what = f"Playing “{prompt}”" if prompt else "Playing on from what you played"
    return f"{what} · bar {bar}" if bar else f"{what} from the next barline"


def audition_phrase() -> Performance:
    """A second of kick, snare, hat and crash."""
    hits = make_hits([(at, LANE_OF_NAME[name], velocity) for at, name, velocity in AUDITION])
    return Performance(hits, duration=2.0, name="audition")
