"""Humaniser: how near a humanised pattern comes to what the drummer really played, and which drummer is recognised."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from evaluation.bootstrap import Estimate, mean_interval
from evaluation.drummers.feel import DISTANCES
from evaluation.drummers.loops import Loop, cut_loops, stack
from evaluation.drummers.mechanical import habits, jittered, quantised
from evaluation.drummers.pooled import compare, difference, resampled
from evaluation.drummers.recognition import balanced, hits_of
from evaluation.drummers.report import Claim, Figure, Section
from ghostnote.music.performance import Performance
from studies.drummers.context import BARS, Findings, StudyContext, attempt

HUMANISED: Final = "humanised"
LONGEST: Final = 64
"""Bars taken from the beginning of each test take."""
RENDITIONS: Final = 8
"""How often the humaniser and jitter play every pattern, with other seeds."""
Renditions = Sequence[Sequence[Performance]]
"""[takes][renditions]."""

TEXT: Final = f"""\
The beats of the test split, 4/4, their first {LONGEST} bars at most. Every take is quantised: hits on the nearest
sixteenth, as hard as their class is struck on average in the train split. The humaniser gets that pattern, the drummer
and the style, and its performance is compared with what the drummer really played; hits as such are the same in all
rows. *Jitter* adds normal deviations to the pattern, as large as those of the train split by class. Humaniser and
jitter play every pattern {RENDITIONS} times, with other seeds: pooled, the renditions of a take weigh together as much
as one; take by take, their distances are averaged.

Timing is from the nearest sixteenth. The takes of a drummer are pooled, and each drummer weighs as much as his hits.
Timing, velocity: Wasserstein-1 distance of their distributions in each of nine classes. Profiles: mean absolute
difference of the mean timing and velocity at every sixteenth of the bar and class. Wandering: mean absolute difference
of the autocorrelation of timing and velocity over 1 to 8 hits; a drummer's lateness lasts, that of jitter does not.
Whether the humaniser is nearer than the baselines is judged here: it plays like a drummer, not one certain take again.
Intervals are those of the jackknife over takes: the value and 1.96 standard errors to either side.
"""
GAPS: Final = """\
The pooled distances of the humaniser minus those of a baseline, with the jackknife's interval of the difference: all
rows share the real takes, and what these make larger or smaller for all of them cancels out. Below 0 is nearer.
"""
RESAMPLED: Final = """\
The distances above with the intervals that stood there before: percentiles of resampled takes. They lie too high:
takes that are drawn twice make a smaller sample, and the smaller the sample, the larger such a distance. Tried out on
takes of the train and validation splits, of which as many as here were drawn 30 times, with a humaniser that had not
learnt them: the distance that all of those takes have, of the wandering of velocity, lay inside 3 % of these intervals
of the humaniser and 13 % of those of jitter, and inside 100 % and 93 % of those of the jackknife. Both miss it for the
velocity and the profiles of the humaniser (0 to 10 % and 17 to 60 %), because the distance of few takes is itself too
large there; that is to the humaniser's disadvantage. The values are the same.
"""
SHAPES: Final = ("timing [ms]", "velocity")
"""The distances of distributions, without their order and place."""

TAKES: Final = """\
The same performances, each compared with the one take that was really played. Timing and velocity: Wasserstein-1
distance of their distributions in the take, over all hits and inside each class. Profile: of the mean offset and
velocity at every sixteenth of the bar and class, root mean square of sqrt((dt / 20 ms)^2 + (dv / 0.2)^2). Groove
distance: hit by hit, as defined under Continuation; a deviation that is drawn at random has to cost there, however well
it is distributed.
"""

EAR: Final = f"""\
A classifier of the ten drummers, made like that of styles, on loops of {BARS} bars of the train split. It hears the
pattern too, and who likes which pattern, so the quantised row shows what it knows from that alone. Only six drummers
are in the test split. Of every pattern the first rendition is heard. *Another drummer asked for*: the same patterns
humanised as the next of these six drummers; right is the one who was asked for, who is not the one who chose the
pattern.
"""


@dataclass(frozen=True)
class RealTake:
    """A real take and its pattern."""

    real: Performance
    pattern: Performance

    @property
    def number(self) -> int:
        """Of the drummer, 1..10."""
        return int(self.real.drummer.removeprefix("drummer"))


def humanizer(context: StudyContext) -> Findings:
    """Distances to real performances, and recognition of the drummer."""
    beats = [p for p in context.beats("test") if p.meter == (4, 4)]
    of = habits(context.beats("train"))
    takes = [RealTake(real, quantised(real, of)) for real in map(opening, beats[:: 8 if context.quick else 1])]
    renditions = 1 if context.quick else RENDITIONS
    seeds = [range(number, renditions * len(takes), len(takes)) for number in range(len(takes))]
    rows: dict[str, Renditions] = {
        "quantised": [[take.pattern] for take in takes],
        "jitter": [[jittered(take.pattern, of, s) for s in mine] for take, mine in zip(takes, seeds, strict=True)],
    }
    others: list[Performance] | None = None
    play, missing = attempt(lambda: human(context))
    if play:
        ours = [[play(take, take.number, s) for s in mine] for take, mine in zip(takes, seeds, strict=True)]
        rows = {HUMANISED: ours, **rows}
        others = [play(take, other(take, takes), mine[0]) for take, mine in zip(takes, seeds, strict=True)]
    found = {row: take_distances(takes, played) for row, played in rows.items()}
    names = [take.real.name for take in takes]
    per_take = {row: {name: mean_interval(v, names) for name, v in of.items()} for row, of in found.items()}
    real = [take.real for take in takes]
    pooled = {row: compare(real, played) for row, played in rows.items()}
    drawn = {row: resampled(real, played) for row, played in rows.items()}
    gaps = {row: difference(real, rows[HUMANISED], rows[row]) for row in rows if HUMANISED in rows and row != HUMANISED}
    sections = [
        Section(
            "Humaniser", TEXT + missing, tabled(pooled, len(takes), "Takes of a drummer pooled; mean over drummers.")
        ),
        Section("Humaniser minus baselines", GAPS, tabled(gaps, len(takes), "Paired by take.") if gaps else []),
        Section("Humaniser, takes resampled", RESAMPLED, tabled(drawn, len(takes), "The same, other intervals.")),
        Section("Humaniser, take by take", TAKES, tabled(per_take, len(takes), "Per take, mean over takes.")),
        Section("Distances by drummer", "Means over the takes of a drummer.", by_drummer(takes, found)),
        Section("Who is heard", EAR, recognised(context, takes, rows, others)),
    ]
    shapes = {row: {name: of[name] for name in SHAPES} for row, of in pooled.items()}
    made = [
        claims(shapes, "timing and velocity, pooled by drummer"),
        claims(pooled, "all pooled by drummer"),
        claims(drawn, "all pooled by drummer, by percentiles of resampled takes as before (besides)"),
        paired_claim(gaps),
        claims(per_take, "take by take (besides)"),
    ]
    return Findings(sections, made)


def tabled(found: dict[str, dict[str, Estimate]], count: int, how: str) -> list[Figure]:
    """Every row of every distance."""
    names = next(iter(found.values()))
    return [Figure(row, name, found[row][name], count, how) for name in names for row in found]


def opening(performance: Performance) -> Performance:
    """The first bars of a take."""
    return performance.between(0, min(performance.duration, LONGEST * 240 / performance.bpm))


def human(context: StudyContext) -> Callable[[RealTake, int, int], Performance]:
    """The trained humaniser at full amount, for a take, a drummer and a seed. Raises MissingError without it."""
    from drummers.humanizer.model import Humanizer

    model = Humanizer(context.models / "humanizer")
    return lambda take, drummer, seed: model.humanize(take.pattern, drummer=drummer, style=take.real.style, seed=seed)


def other(take: RealTake, takes: Sequence[RealTake]) -> int:
    """The next drummer among those of the takes."""
    numbers = sorted({t.number for t in takes})
    return numbers[(numbers.index(take.number) + 1) % len(numbers)]


def take_distances(takes: Sequence[RealTake], played: Renditions) -> dict[str, list[float]]:
    """Every distance of every take to what was really played, the mean of its renditions."""
    pairs = list(zip(takes, played, strict=True))
    return {
        name: [float(np.mean([distance(take.real, p) for p in several])) for take, several in pairs]
        for name, distance in DISTANCES.items()
    }


def by_drummer(takes: Sequence[RealTake], found: dict[str, dict[str, list[float]]]) -> list[Figure]:
    """Timing and velocity by class, for each drummer."""
    figures: list[Figure] = []
    for number in sorted({take.number for take in takes}):
        rows = [i for i, take in enumerate(takes) if take.number == number]
        for name in ("timing by class [ms]", "velocity by class"):
            for row, distances in found.items():
                value = mean_interval(np.array(distances[name])[rows], [takes[i].real.name for i in rows])
                figures.append(Figure(f"drummer {number}, {row}", name, value, len(rows), "Mean over takes."))
    return figures


def recognised(
    context: StudyContext, takes: Sequence[RealTake], rows: dict[str, Renditions], others: list[Performance] | None
) -> list[Figure]:
    """How often the classifier names the drummer that is meant."""
    meant = [take.number for take in takes]
    played = {
        "real": [take.real for take in takes],
        **{row: [several[0] for several in of] for row, of in rows.items()},
    }
    figures = [recognition(context, row, performances, meant) for row, performances in played.items()]
    if others:
        asked = [other(take, takes) for take in takes]
        figures.append(recognition(context, f"{HUMANISED}, another drummer asked for", others, asked))
        figures.append(recognition(context, "quantised, another drummer asked for", played["quantised"], asked))
    return figures


def recognition(context: StudyContext, row: str, performances: Sequence[Performance], meant: Sequence[int]) -> Figure:
    """How often the classifier names the drummer `meant` for a take."""
    loops: list[Loop] = []
    labels: list[int] = []
    for performance, number in zip(performances, meant, strict=True):
        cut = cut_loops(performance, BARS, 2)
        loops += cut
        labels += [number - 1] * len(cut)
    right = hits_of(context.drummer_classifier.probabilities(stack(loops)), np.array(labels))
    value = balanced(right, [loop.performance for loop in loops])
    return Figure(row, "drummer named", value, len(loops), "Loops two bars apart; every take counts once.")


def claims(found: dict[str, dict[str, Estimate]], kind: str) -> Claim:
    """Whether the humanised takes are nearer than both baselines, on every distance, with intervals apart."""
    text = f"humanised nearer to real than quantised and jitter, intervals apart: {kind}"
    if HUMANISED not in found:
        return Claim(text, "-", None)
    ours = found[HUMANISED]
    baselines = [values for row, values in found.items() if row != HUMANISED]
    failing = [name for name in ours if not all(ours[name].high < values[name].low for values in baselines)]
    found_text = f"{len(ours) - len(failing)} of {len(ours)} distances"
    return Claim(text, found_text + (f"; not {', '.join(failing)}" if failing else ""), not failing)


def paired_claim(gaps: dict[str, dict[str, Estimate]]) -> Claim:
    """Whether the humanised takes are nearer than each baseline on the same takes, on every distance."""
    text = "humanised nearer to real than quantised and jitter, difference on the same takes below 0: pooled (besides)"
    if not gaps:
        return Claim(text, "-", None)
    names = next(iter(gaps.values()))
    failing = [name for name in names if not all(of[name].high < 0 for of in gaps.values())]
    found = f"{len(names) - len(failing)} of {len(names)} distances"
    return Claim(text, found + (f"; not {', '.join(failing)}" if failing else ""), not failing)
