"""Latency as a sum of named parts: how long after its arrival a hit sounds, the same for every hit.

What is counted: the time from the arrival of a hit at this program (its stamp) to the moment its first frame leaves
the audio device. Let F(t) be the number of frames the device has taken by time t, as a straight line through the
moments at which it takes a block. A hit that arrives at t is placed at frame F(t) + hop + lead (+ limiter + resampler).

- window: only in window mode (server.engine.window_clock), four beats at the current tempo; everything else is added to
  it.
- hop: hop n holds the hits placed in [n * hop, (n + 1) * hop). It can be rendered only after the last of them arrived,
  and its first one has then waited a whole hop.
- lead: the time between that moment and the one at which the device needs the hop's first frame. It covers the way of
  the hit to the render thread (`arrival`), rendering (`work`), and `block_wait`: the device takes whole blocks, so it
  may need a frame up to block - gcd(hop, block) frames before its turn.
- limiter: frames of look-ahead.
- resampler: frames a sample rate converter holds back, if there is one.
- device: what the audio system says it needs from the callback to the output.

Worked example, hop 4, block 2, lead 1, nothing else: a hit at t = 0.5 frames is placed at 0.5 + 4 + 1 = 5.5,
inside hop 1 (frames 4..7). The last hit of hop 1 arrives just before t = 8 - 4 - 1 = 3; then rendering starts, and
the device takes frames 4 and 5 at t = 4: rendering has one frame's time, the lead. With block 3 it may take frames 3, 4
and 5 at t = 3: no time at all, block_wait(4, 3) = 2 being more than the lead.
"""

from dataclasses import dataclass
from math import ceil, gcd
from typing import Final

ARRIVAL_SECONDS: Final = 0.0005
"""The part of the lead reserved for the path of a hit from its time stamp to the render thread."""
WORK_SECONDS: Final = 0.0085
"""The part of the default lead reserved for rendering one hop and for a late wake-up.

With 5.5 ms 1 to 2.5 % of the hops came late under the load of benchmarks/soak.py on a virtual machine of two cores, on
which a hop takes 3.7 ms and one in a hundred 5.6 ms (docs/decisions/0009)."""
WINDOW_BEATS: Final = 4
"""Quarter notes of a window."""
PARTS: Final = ("window", "hop", "lead", "limiter", "resampler", "device")


@dataclass(frozen=True)
class Latency:
    """The parts, in frames at the device's rate."""

    rate: int
    """Frames per second of the device."""
    hop: float
    lead: float
    limiter: float = 0.0
    resampler: float = 0.0
    device: float = 0.0
    window: float = 0.0

    @property
    def engine(self) -> float:
        """Everything before the device: what a host sees that takes our output from the audio graph (JACK)."""
        return self.window + self.hop + self.lead + self.limiter + self.resampler

    @property
    def total(self) -> float:
        """Arrival to output."""
        return self.engine + self.device

    def milliseconds(self, frames: float) -> float:
        """`frames` of the device as milliseconds."""
        return 1000 * frames / self.rate


def window_frames(bpm: float, rate: int) -> int:
    """Length of a window [frames at `rate`]."""
    return round(WINDOW_BEATS * 60 / bpm * rate)


def block_wait(hop: int, block: int, *, aligned: bool = True) -> int:
    """The most frames before its turn at which a device that takes whole blocks may need the first frame of a hop.

    `aligned`: hops start on whole frames of the device, the first at the start of a block; not so with a resampler.
    """
    return block - gcd(hop, block) if aligned else block


def default_lead(hop: int, block: int, rate: int, *, aligned: bool = True) -> int:
    """A lead [frames at `rate`] that leaves `ARRIVAL_SECONDS` + `WORK_SECONDS` besides the block."""
    return block_wait(hop, block, aligned=aligned) + ceil((ARRIVAL_SECONDS + WORK_SECONDS) * rate - 1e-6)
