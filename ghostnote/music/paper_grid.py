"""The paper's drum grid (arXiv 2605.10281, SEEDS 1.2), for the baselines only; ours is `ghostnote.music.grid`.

One row per codec frame of a 4-beat window, 17 hit lanes then 17 velocity lanes. A note's pitch goes through two maps:
the first folds articulations together, so that side stick, pedal hat, second crash, china, splash and bell stay empty
for the TD-17 notes of our articulations. That loss belongs to the recipe and is kept.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ghostnote.music.articulations import ARTICULATIONS
from ghostnote.music.performance import Performance

LANES: Final = (
    "kick", "snare_head", "snare_xstick", "clap", "hh_closed", "hh_open", "hh_pedal", "tom_high", "tom_mid", "tom_low",
    "crash1", "crash2", "china", "splash", "ride_bow", "ride_bell", "perc_aux",
)  # fmt: skip
N_FEATURES: Final = 2 * len(LANES)
BEATS: Final = 4
NOTE_SECONDS: Final = 0.1
"""Length of a pad's note in the Groove MIDI Dataset, from strike to note-off; our performances keep strikes only."""

_FOLD: Final = {
    40: 38, 37: 38, 48: 50, 45: 47, 58: 43, 26: 46, 22: 42, 44: 42, 55: 49, 57: 49, 52: 49, 59: 51, 53: 51,
}  # fmt: skip
_LANE_NOTES: Final = {
    "kick": (35, 36), "snare_head": (38, 40), "snare_xstick": (37,), "clap": (39,), "hh_closed": (42,),
    "hh_open": (46,), "hh_pedal": (44,), "tom_high": (50,), "tom_mid": (48, 47), "tom_low": (45, 43, 41),
    "crash1": (49,), "crash2": (57,), "china": (52,), "splash": (55,), "ride_bow": (51, 59), "ride_bell": (53,),
}  # fmt: skip
_LANE_OF_NOTE: Final = {note: LANES.index(name) for name, notes in _LANE_NOTES.items() for note in notes}
_BUMP: Final = np.exp(-0.5 * np.arange(-2, 3) ** 2.0)
"""Gaussian of sigma one frame, cut at two frames."""


def lane_of_note(note: int) -> int:
    """Index in `LANES` of a MIDI note, perc_aux for what neither map knows."""
    return _LANE_OF_NOTE.get(_FOLD.get(note, note), LANES.index("perc_aux"))


LANE_OF_ARTICULATION: Final = tuple(lane_of_note(a.note) for a in ARTICULATIONS)


def paper_grid(
    performance: Performance, start: float, seconds: float, n_frames: int, *, window_bug: bool = False
) -> NDArray[np.float32]:
    """Grid [n_frames, 34] of the window [start, start + seconds) s: Gaussian bumps of height 1, then velocities.

    `window_bug`: as published, a note struck before the window and not yet released (`NOTE_SECONDS`) is written as if
    struck at frame 0.
    """
    hits, fps = performance.hits, n_frames / seconds
    earliest = start - NOTE_SECONDS if window_bug else start
    after = hits["time"] > earliest if window_bug else hits["time"] >= earliest
    hits = hits[after & (hits["time"] < start + seconds)]
    frame = np.clip(np.round((hits["time"] - start) * fps), 0, n_frames - 1).astype(np.int64)
    lane = np.array(LANE_OF_ARTICULATION)[hits["lane"]]
    grid = np.zeros(n_frames * N_FEATURES, np.float32)
    for offset, height in zip(range(-2, 3), _BUMP.tolist(), strict=True):
        inside = (frame + offset >= 0) & (frame + offset < n_frames)
        np.maximum.at(grid, ((frame + offset) * N_FEATURES + lane)[inside], height)
    np.maximum.at(grid, frame * N_FEATURES + len(LANES) + lane, hits["velocity"])
    return grid.reshape(n_frames, N_FEATURES)


def beat_positions(n_frames: int, seconds: float, bpm: float) -> NDArray[np.int64]:
    """Beat 0..3 of each frame of a window of `seconds`, [n_frames]."""
    frames_a_beat = n_frames / seconds * 60 / bpm
    return np.floor(np.mod(np.arange(n_frames) / frames_a_beat, BEATS)).astype(np.int64)


def window_seconds(bpm: float) -> float:
    """Length of 4 beats at the nominal tempo [s]; an unknown tempo (0) counts as 120."""
    return BEATS * 60 / (bpm or 120.0)
