"""How long the drummers take on one core."""

from collections.abc import Callable
from time import perf_counter, process_time
from typing import Final

import numpy as np

from evaluation.bootstrap import Estimate
from evaluation.drummers.report import Claim, Figure, Section
from studies.drummers.context import BARS, Findings, StudyContext, attempt

RUNS: Final = 20
GROOVE_MS: Final = 50
BAR_MS: Final = 150

TEXT: Final = f"""\
One call in ONNX Runtime with one thread, {RUNS} calls after a warm-up: the median, in brackets the 5 and 95
percentiles.
Processor time is what one core spends on it; wall time holds whatever else the machine was doing, too.
"""


def speed(context: StudyContext) -> Findings:
    """Milliseconds of a generated groove of 4 bars and of one bar played on."""
    jobs: dict[str, tuple[Callable[[StudyContext], Callable[[int], object]], int]] = {
        f"groove of {BARS} bars": (groove_job, GROOVE_MS),
        "one bar played on": (bar_job, BAR_MS),
    }
    figures: list[Figure] = []
    claims: list[Claim] = []
    absent = ""
    for row, (make, most) in jobs.items():
        text = f"{row} under {most} ms on one core"
        job, missing = attempt(lambda make=make: make(context))
        if not job:
            absent += missing
            claims.append(Claim(text, "-", None))
            continue
        runs = 5 if context.quick else RUNS
        core, wall = time_runs(job, runs)
        how = "In one process, model loaded."
        figures += [Figure(row, "processor ms", core, runs, how, 1), Figure(row, "wall ms", wall, runs, how, 1)]
        within = f"{core.value:.0f} ms of a core, 95 % of calls within {core.high:.0f} ms (wall: {wall.high:.0f} ms)"
        claims.append(Claim(text, within, core.value < most))
    return Findings([Section("Speed", TEXT + absent, figures)], claims)


def time_runs(job: Callable[[int], object], runs: int) -> tuple[Estimate, Estimate]:
    """Median, 5 and 95 percentiles of the job's processor time and wall time [ms]."""
    job(0)
    times: list[tuple[float, float]] = []
    for number in range(runs):
        core, wall = process_time(), perf_counter()
        job(number)
        times.append((1000 * (process_time() - core), 1000 * (perf_counter() - wall)))
    low, middle, high = np.percentile(times, (5, 50, 95), axis=0)
    core, wall = (Estimate(float(middle[i]), float(low[i]), float(high[i])) for i in (0, 1))
    return core, wall


def groove_job(context: StudyContext) -> Callable[[int], object]:
    """A groove from a prompt."""
    from drummers.groovegen.model import GrooveGenerator
    from drummers.groovegen.prompt import parse

    generator = GrooveGenerator(context.models / "groovegen")
    request = parse(f"funk 100 bpm {BARS} bars")
    return lambda seed: generator.generate(request, seed)


def bar_job(context: StudyContext) -> Callable[[int], object]:
    """One bar after the first four of a test take, another take each time."""
    from drummers.continuation.model import Continuer

    model = Continuer(context.models / "continuation")
    takes = [p.between(0, 4 * 240 / p.bpm) for p in context.beats("test") if p.duration > 8 * 240 / p.bpm]
    takes = [take for take in takes if take.meter == (4, 4) and len(take.hits) > 16]
    return lambda number: model.play_on(takes[number % len(takes)], 1, seed=number)
