"""What to set in a host so that Ghostnote plays in time with it; docs/daws.md has the details."""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True)
class Host:
    """One DAW."""

    name: str
    midi: str
    """How a track's MIDI gets to us."""
    field: str
    """Where the latency is typed."""
    unit: Literal["ms", "-ms", "samples"]
    """What is typed there: the latency, the latency with a minus, or its number of samples."""

    def value(self, frames: float, rate: int) -> str:
        """What to type for a latency of `frames` at `rate` [Hz], such as "-14.33" or "688"."""
        if self.unit == "samples":
            return f"{frames:.0f}"
        return f"{'-' if self.unit == '-ms' else ''}{1000 * frames / rate:.2f}"

    def text(self, frames: float, rate: int) -> str:
        """The value with its unit, such as "-14.33 ms" or "688 samples"."""
        return f"{self.value(frames, rate)} {self.unit.lstrip('-')}"


HOSTS: Final = (
    Host("Ableton Live", "External Instrument, MIDI To: Ghostnote In", "Hardware Latency", "ms"),
    Host("Logic Pro", "External Instrument, Destination: Ghostnote In", "Delay of the recording track", "-ms"),
    Host("Reaper", "MIDI Hardware Output: Ghostnote In", "Media playback offset of the recording track", "-ms"),
    Host("Bitwig Studio", "HW Instrument, MIDI to Ghostnote In", "Latency compensation", "ms"),
    Host("Ardour", "MIDI track to Ghostnote In", "Move the recorded region earlier by", "samples"),
)


def seen_by_host(engine_frames: float, total_frames: float, output: str) -> float:
    """The frames that a host must compensate: on JACK it takes our sound before the device."""
    return engine_frames if "jack" in output.lower() else total_frames
