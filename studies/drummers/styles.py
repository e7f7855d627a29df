"""Styles of loops: what the classifier recognises in real and in generated loops; how various they are; copies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drummers.common.styles import STYLES
from evaluation.bootstrap import Estimate, mean_interval, paired_interval
from evaluation.drummers.baselines import CellLottery
from evaluation.drummers.groups import GROUPS, MEMBERS
from evaluation.drummers.loops import Loop, grid_of, stack
from evaluation.drummers.recognition import accuracy, auc, balanced, group_names, grouped, hits_of, majority
from evaluation.drummers.report import Claim, Figure, Section
from evaluation.drummers.variety import COPY, nearest, spread
from studies.drummers.context import BARS, FOLDS, Findings, StudyContext, attempt

Labels = NDArray[np.int64]
PER_PERFORMANCE: Final = 8
"""Loops asked for per test performance."""
NEAR_POINTS: Final = 0.05
VAE: Final = "seed's VAE"

GROUPING: Final = "; ".join(f"{group}: {', '.join(styles)}" for group, styles in MEMBERS.items())

TEXT: Final = f"""\
The classifier is {FOLDS} convolutional networks on loops of {BARS} bars (sixteenths x 9 classes x
hit, offset, velocity) and {FOLDS} forests of extremely randomised trees (what is counted in a loop: how often, hard and
late a class is struck at each sixteenth), each trained on the train split without another {FOLDS}th of its
performances; their probabilities are averaged. One alone is unreliable. It does not know the tempo. A generated loop
corresponds to a real test loop: same style, same bpm, another seed each, so both sides have the same styles and
weights; it is right when it names the requested style. The classifier, and how wide the generator draws, were chosen on
the validation and train splits (drummers.md). Grouped: probabilities of the styles of a group are added up
({GROUPING}).

*Cell lottery* tosses every cell of the grid for itself, as often as the training loops of the style strike it, with the
velocity and timing of one of them: a generator that knows no pattern. It shows how far the accuracy can be read: what
is drawn from the training loops resembles what it was trained on more than new takes do, so generated loops can
score above real ones, and do so without a groove. Variety and groove distance have to be read with it.

*{VAE}* is the network of GrooveGen as its report states it ({{course}}), its
latents drawn from N(0, 1), hits where their probability exceeds 0.5.

The seed's number stands beside ours only where the protocol is the same: real test loops, 18 styles, overlapping loops
of {BARS} bars a bar apart. Its abstract calls that accuracy one on generated loops; its section 5.2 gives it as the
accuracy on the real test set, and no number for generated loops is stated. Its classifier is not ours.
"""

VARIETY: Final = f"""\
Distance of two loops: share of the grid's cells struck by either that only one strikes (Jaccard), 0 the same hits, 1
none in common. Nearest training loop: over all loops of the train split, whichever bar they begin on; a copy is one
nearer than {COPY}. Generated loops should be neither nearer to the training loops than real test loops are, nor more
alike among themselves than real ones of different performances of a style.
"""


@dataclass(frozen=True)
class ClassifiedLoops:
    """Loops, their labels, and the classifier's probabilities."""

    loops: Sequence[Loop]
    labels: Labels
    probabilities: NDArray[np.float64]

    @property
    def takes(self) -> list[str]:
        """The test performance that each loop is from, or answers to."""
        return [loop.performance for loop in self.loops]

    def part(self, rows: NDArray[np.bool_]) -> "ClassifiedLoops":
        """Some of the loops."""
        kept = [loop for loop, wanted in zip(self.loops, rows, strict=True) if wanted]
        return ClassifiedLoops(kept, self.labels[rows], self.probabilities[rows])

    def in_groups(self) -> "ClassifiedLoops":
        """The same in groups of styles."""
        names = group_names(GROUPS)
        labels = np.array([names.index(GROUPS[STYLES[label]]) for label in self.labels])
        return ClassifiedLoops(self.loops, labels, grouped(self.probabilities, STYLES, GROUPS))


def styles(context: StudyContext) -> Findings:
    """Recognition, variety and copying."""
    real = classify(context, context.spread_loops("test", 1 if context.quick else PER_PERFORMANCE))
    players: dict[str, Callable[[int, Loop], Loop]] = {VAE: seed_vae(context), "cell lottery": lottery(context)}
    generator, missing = attempt(lambda: generated(context))
    if generator:
        players = {"generated": generator, **players}
    classified = {"real test loops": real} | {
        name: classify(context, [play(i, loop) for i, loop in enumerate(real.loops)]) for name, play in players.items()
    }
    figures = [*protocol_of_seed(context), *recognised(context, classified)]
    text = TEXT.format(course=context.seed_vae.past.in_words())
    sections = [Section("Styles of loops", text + missing, figures), variety(context, classified)]
    return Findings(sections, [claim(classified)])


def classify(context: StudyContext, loops: Sequence[Loop]) -> ClassifiedLoops:
    """The classifier's probabilities for the loops."""
    labels = np.array([STYLES.index(loop.style) for loop in loops])
    return ClassifiedLoops(loops, labels, context.style_classifier.probabilities(stack(loops)))


def generated(context: StudyContext) -> Callable[[int, Loop], Loop]:
    """A loop of the groove generator under the conditions of a real one. Raises MissingError without the model."""
    from drummers.groovegen.model import GrooveGenerator
    from drummers.groovegen.prompt import parse

    generator = GrooveGenerator(context.models / "groovegen")

    def play(number: int, loop: Loop) -> Loop:
        request = replace(parse(f"{loop.style} {loop.bpm:g} bpm"), bars=BARS)
        performance = generator.generate(request, number)
        return replace(loop, grid=grid_of(performance, 0, BARS * 16))

    return play


def seed_vae(context: StudyContext) -> Callable[[int, Loop], Loop]:
    """A loop of the seed's VAE."""
    from training.drummers.groovegen.seed_vae import conditions, draw_loop

    def play(number: int, loop: Loop) -> Loop:
        condition = conditions(np.array([STYLES.index(loop.style)]), np.array([loop.bpm]))[0]
        return replace(loop, grid=draw_loop(context.seed_vae.net, condition, number))

    return play


def lottery(context: StudyContext) -> Callable[[int, Loop], Loop]:
    """A loop of the cell lottery."""
    train = context.loops("train")
    cells = CellLottery(train, [loop.style for loop in train])
    return lambda number, loop: replace(loop, grid=cells.draw(loop.style, np.random.default_rng(number)))


def protocol_of_seed(context: StudyContext) -> list[Figure]:
    """The classifier on all overlapping real test loops, for which the seed has a number."""
    classified = classify(context, context.loops("test"))
    train = np.array([STYLES.index(loop.style) for loop in context.loops("train")])
    none = float("nan")
    how = "All overlapping real test loops, a bar apart, every loop counts."
    probabilities, labels, takes = classified.probabilities, classified.labels, classified.takes
    ours = {
        "accuracy, 18 styles": (accuracy(probabilities, labels, takes), 0.5632),
        "AUC micro, 18 styles": (auc(probabilities, labels, takes, "micro"), 0.8775),
        "AUC macro, 18 styles": (auc(probabilities, labels, takes, "macro"), 0.8594),
    }
    n = len(classified.loops)
    figures = [Figure("majority", "accuracy, 18 styles", majority(train, labels, takes), n, how)]
    for measure, (value, printed) in ours.items():
        figures.append(Figure("real, all loops", measure, value, n, how))
        seed = Estimate(printed, none, none)
        figures.append(
            Figure("seed's CNN", measure, seed, 0, "As printed: the same kind of loops of its own test split.")
        )
    return figures


def recognised(context: StudyContext, classified: dict[str, ClassifiedLoops]) -> list[Figure]:
    """Accuracy and AUC of every row, in 18 styles and in groups; paired differences from real loops."""
    figures: list[Figure] = []
    how = f"At most {PER_PERFORMANCE} loops per test performance, spread over it; every performance counts once."
    for kind, which in (("18 styles", lambda h: h), (f"{len(group_names(GROUPS))} groups", ClassifiedLoops.in_groups)):
        for row, said in classified.items():
            h = which(said)
            right, n = hits_of(h.probabilities, h.labels), len(h.loops)
            figures.append(Figure(row, f"accuracy, {kind}", balanced(right, h.takes), n, how))
            for average in ("macro", "micro"):
                value = auc(h.probabilities, h.labels, h.takes, average)
                figures.append(Figure(row, f"AUC {average}, {kind}", value, n, "The same loops, every loop counts."))
            if said is not classified["real test loops"]:
                gap = difference(h, which(classified["real test loops"]))
                figures.append(Figure(row, f"accuracy minus real, {kind}", gap, n, "Loop by loop, paired."))
    return figures


def difference(ours: ClassifiedLoops, real: ClassifiedLoops) -> Estimate:
    """Accuracy of ours minus that of the real loops that they answer to, every performance counted once."""
    names, members = np.unique(np.asarray(real.takes), return_inverse=True)
    means = [np.bincount(members, hits_of(h.probabilities, h.labels)) / np.bincount(members) for h in (ours, real)]
    return paired_interval(means[0], means[1], names.tolist())


def claim(classified: dict[str, ClassifiedLoops]) -> Claim:
    """Whether generated loops are recognised as well as real ones."""
    text = "style accuracy of generated loops within 5 points of that of real loops (groups): test split alone"
    if "generated" not in classified:
        return Claim(text, "-", None)
    return near(text, difference(classified["generated"].in_groups(), classified["real test loops"].in_groups()))


def near(text: str, gap: Estimate, decides: bool = False) -> Claim:
    """Whether a gap in accuracy is small: with all of its interval. Without `decides` the value counts for nothing
    where the interval holds gaps that are small and others that are not: then it is said to be undecided."""
    found = f"{100 * gap.value:+.1f} points [{100 * gap.low:.1f}, {100 * gap.high:.1f}]"
    within = gap.low >= -NEAR_POINTS and gap.high <= NEAR_POINTS
    beyond = gap.low > NEAR_POINTS or gap.high < -NEAR_POINTS
    if within or beyond or decides:
        return Claim(text, found, within)
    return Claim(text, found, None, f"undecided ({'yes' if abs(gap.value) <= NEAR_POINTS else 'no'} by the value)")


def variety(context: StudyContext, classified: dict[str, ClassifiedLoops]) -> Section:
    """Diversity inside a style, and distance to what was trained on."""
    train = stack(context.loops("train"))[..., 0] > 0
    figures: list[Figure] = []
    for row, said in classified.items():
        hits = stack(said.loops)[..., 0] > 0
        near = nearest(hits, train)
        apart = spread(hits, [loop.style for loop in said.loops], said.takes)
        n = len(hits)
        figures += [
            Figure(row, "distance to others of its style", mean_interval(apart, said.takes), n, "Mean over loops."),
            Figure(row, "nearest training loop", mean_interval(near, said.takes), n, "Mean over loops."),
            Figure(row, "copies", mean_interval(near < COPY, said.takes), n, f"Share nearer than {COPY}."),
        ]
    return Section("Variety and copies", VARIETY, figures)
