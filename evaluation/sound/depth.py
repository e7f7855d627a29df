"""What single windows cannot show of a row: how it answers to velocity, and whether its windows join."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.sound.dynamics import Dynamics, measure_dynamics
from evaluation.sound.joins import Joins, measure_joins
from evaluation.sound.rows import Render
from evaluation.sound.windows import Window, windows_of
from ghostnote.music.articulations import ARTICULATIONS, N_LANES
from ghostnote.music.performance import OPENNESS, Performance, make_hits

LEAD: Final = 0.1
"""Silence before a stroke [s]."""
LENGTH: Final = 0.35
"""Time of a stroke that is listened to [s]."""
JOINED: Final = 8
"""Windows that are rendered one by one and joined."""


def stroke(lane: int, velocity: float) -> Performance:
    """One hit of `velocity` after 0.1 s; the hat is open for open-hat lanes."""
    is_open = "open" in ARTICULATIONS[lane].name
    return Performance(
        make_hits([(LEAD, lane, velocity)]),
        openness=np.array([(0.0, float(is_open))], OPENNESS),
        duration=LEAD + LENGTH,
        name=f"{ARTICULATIONS[lane].name} at {velocity:.2f}",
    )


def row_dynamics(render: Render, kit: str, rate: int, lanes: Sequence[int] = range(N_LANES)) -> list[Dynamics]:
    """Dynamics of `lanes` of a kit, every stroke rendered alone."""
    start, stop = round(LEAD * rate), round((LEAD + LENGTH) * rate)

    def one(lane: int, velocity: float) -> NDArray[np.float32]:
        return render(stroke(lane, velocity), kit, 0, stop)[start:]

    return measure_dynamics(one, lanes, rate)


def row_joins(render: Render, kit: str, performance: Performance, rate: int) -> Joins:
    """Joins of the performance's first unbroken run of windows (at most 8), rendered one by one and put end to end."""
    run: list[Window] = []
    for window in windows_of(performance, rate, context=0.0):
        if len(run) == JOINED or (run and window.start != run[-1].stop):
            break
        run.append(window)
    pieces = [render(performance, kit, w.start, w.stop) for w in run]
    edges = np.cumsum([len(piece) for piece in pieces])[:-1]
    return measure_joins(np.concatenate(pieces), edges.tolist(), rate)
