"""Learning a MIDI map step by step: the prompt, what was learned, the next command. Without Qt."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from desktop.pieces import TITLES, way_title
from ghostnote.music.articulations import ARTICULATIONS

PEDAL, CHOKE, NAME = "pedal", "choke", "name"
STEPS: Final = (*(a.name for a in ARTICULATIONS), PEDAL, CHOKE, NAME)


class Learning:
    """Goes through the articulations, the pedal and the choke; `command` is called with the lines for the learner."""

    def __init__(self, command: Callable[[str], None]) -> None:
        self._command = command
        self._step = 0
        self.learned: dict[str, str] = {}
        """Step -> what was learned, in words."""
        self.fault = ""
        """What was wrong with the last attempt."""
        self.port = ""
        """The MIDI port, "" before it is open."""
        self.saved = ""
        """The name of the map, once it is saved."""
        self._last_note: int | None = None

    @property
    def step(self) -> str:
        """The current articulation, or `PEDAL`, `CHOKE`, `NAME`."""
        return STEPS[self._step]

    @property
    def progress(self) -> float:
        """0 at the first step .. 1 at the last."""
        return self._step / (len(STEPS) - 1)

    @property
    def question(self) -> str:
        """The prompt for the user."""
        match self.step:
            case "pedal":
                return "Open the hi-hat pedal fully, press it down firmly and let go"
            case "choke":
                return "Hit a cymbal and grab it"
            case "name":
                return "Give the map a name"
            case name:
                piece = next(a.piece for a in ARTICULATIONS if a.name == name)
                more = f", {way_title(name).lower()}" if name != piece else ""
                return f"Hit the {TITLES[piece].lower()}{more}"

    def go_on(self) -> None:
        """Go to the next step; pedal and choke are learned from what was received meanwhile."""
        if self.step in (PEDAL, CHOKE):
            self._command(self.step)
        else:
            self._command("drop")
            self._advance()

    def back(self) -> None:
        """Go one step back."""
        self._step = max(0, self._step - 1)
        self.fault = ""
        self._command("drop")

    def save(self, name: str) -> None:
        """Save the map."""
        self._command(f"save {name}")

    def take(self, answer: Mapping[str, Any]) -> None:
        """Process an answer of the learner."""
        match answer:
            case {"ready": port}:
                self.port = str(port)
            case {"received": note}:
                if self.step not in (PEDAL, CHOKE, NAME) and note != self._last_note:
                    self._command(f"note {self.step}")
            case {"learned": note, "articulation": name}:
                self.learned[str(name)], self._last_note, self.fault = f"note {note}", int(note), ""
                if name == self.step:
                    self._advance()
            case {"controller": number}:
                self._answered("no pedal was received" if number is None else f"controller {number}")
            case {"choke": chokes}:
                self._answered("by aftertouch" if chokes else "no aftertouch was received")
            case {"saved": name}:
                self.saved, self.fault = str(name), ""
            case {"fault": text}:
                self.fault = str(text)
            case _:
                pass

    def _answered(self, text: str) -> None:
        self.learned[self.step] = text
        self._advance()

    def _advance(self) -> None:
        self._step = min(self._step + 1, len(STEPS) - 1)
        self.fault = ""
