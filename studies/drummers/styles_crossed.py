"""Styles of loops over the whole dataset: every performance is classified by models trained without it."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from drummers.common.styles import STYLES
from evaluation.drummers.groups import GROUPS
from evaluation.drummers.loops import Loop, stack
from evaluation.drummers.recognition import balanced, group_names, hits_of
from evaluation.drummers.report import Claim, Figure, Section
from studies.drummers.context import CROSSED, SPLITS, Findings, StudyContext, attempt
from studies.drummers.styles import ClassifiedLoops, difference, generated, near

PER_PERFORMANCE: Final = 4
"""Loops asked for per performance."""
REAL: Final = "real loops"
MADE: Final = "generated"
CLAIM: Final = "the same: all performances, each classified by models trained without it (decides)"
DECIDES: Final = """\
Of the two lines on style accuracy the one over all performances decides. Every loop is a test loop for the classifier
that judges it, which was trained on other performances only; there are seven times the takes of the test split; and it
holds only if the whole interval, not just the value, lies within 5 points. The test split alone cannot decide: its
interval is wider than the ten points from -5 to +5, and its takes are not independent (*Styles of loops, every
performance*). What the deciding line does not show: the generator was trained on the training performances. Those of
the test split, which neither it nor their classifiers were trained on, are a row of their own there, with as wide an
interval as the other.
"""
TEXT: Final = f"""\
The test split is small, half of its takes are ten set beats that several drummers play
(eval_session), and a take is named nearly always or never, so what it shows of classifiers and generators depends on
few beats. Here all performances (4/4 beats, all splits) are split into {CROSSED} parts, evenly by style, a set beat
whole; each performance is classified by models like those above (one network, one forest) trained on the other parts
only. Generated loops correspond to real ones as above and go to the same models. The generator, whose width of drawing
was chosen on the train and validation splits, knows the training performances, among them those that a model misses;
test takes neither it nor that choice has seen. Groups are rows of their own: a group of few takes is recognised poorly.
"""


def crossed(context: StudyContext) -> Findings:
    """Accuracy on real and on generated loops, and the gap, over all performances, those of test, and by group."""
    parts, classifiers = context.crossed
    real = [loop for split in SPLITS for loop in context.spread_loops(split, 1 if context.quick else PER_PERFORMANCE)]
    part = np.array([parts[loop.performance] for loop in real])
    labels = np.array([STYLES.index(loop.style) for loop in real])

    def classify(loops: list[Loop]) -> ClassifiedLoops:
        found = np.zeros((len(loops), len(STYLES)))
        for number, classifier in enumerate(classifiers):
            found[part == number] = classifier.probabilities(stack(loops)[part == number])
        return ClassifiedLoops(loops, labels, found)

    classified = {REAL: classify(real)}
    play, missing = attempt(lambda: generated(context))
    if play:
        classified[MADE] = classify([play(number, loop) for number, loop in enumerate(real)])
    tests = {loop.performance for loop in context.loops("test")}
    figures = [
        figure
        for words, rows in (
            ("all performances", np.ones(len(real), bool)),
            ("test performances", np.array([loop.performance in tests for loop in real])),
        )
        for figure in compared(classified, rows, words)
    ]
    claims = [gap_claim(classified)]
    return Findings(
        [Section("Styles of loops, every performance", TEXT + missing, figures + by_group(classified))], claims
    )


def compared(classified: dict[str, ClassifiedLoops], rows: NDArray[np.bool_], words: str) -> list[Figure]:
    """Accuracy of every row over some of the loops, and the gap to real ones."""
    how = f"At most {PER_PERFORMANCE} loops per performance, which counts once."
    figures: list[Figure] = []
    for kind, which in (("18 styles", lambda h: h), (f"{len(group_names(GROUPS))} groups", ClassifiedLoops.in_groups)):
        for row, said in classified.items():
            h = which(said).part(rows)
            right = balanced(hits_of(h.probabilities, h.labels), h.takes)
            figures.append(Figure(row, f"accuracy, {kind}, {words}", right, len(h.loops), how))
            if row != REAL:
                gap = difference(h, which(classified[REAL]).part(rows))
                figures.append(
                    Figure(row, f"accuracy minus real, {kind}, {words}", gap, len(h.loops), "Loop by loop, paired.")
                )
    return figures


def by_group(classified: dict[str, ClassifiedLoops]) -> list[Figure]:
    """Accuracy in groups, for the performances of each group."""
    figures: list[Figure] = []
    for number, group in enumerate(group_names(GROUPS)):
        for row, said in classified.items():
            h = said.in_groups()
            mine = h.part(h.labels == number)
            value = balanced(hits_of(mine.probabilities, mine.labels), mine.takes)
            how = f"{len(set(mine.takes))} performances of the group, each counts once."
            figures.append(Figure(row, f"named as {group}", value, len(mine.loops), how))
    return figures


def gap_claim(classified: dict[str, ClassifiedLoops]) -> Claim:
    """Whether generated loops are recognised as well as real ones, over all performances."""
    if MADE not in classified:
        return Claim(CLAIM, "-", None)
    return near(CLAIM, difference(classified[MADE].in_groups(), classified[REAL].in_groups()), decides=True)
