"""Latents: a linear probe of the latents of loops, and how much of its accuracy comes from the encoder's condition."""

from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drummers.common.styles import STYLES
from evaluation.bootstrap import Estimate
from evaluation.drummers.latents import linear_probe
from evaluation.drummers.loops import Loop, stack
from evaluation.drummers.recognition import majority
from evaluation.drummers.report import Figure, Section
from studies.drummers.context import Findings, StudyContext

TEXT: Final = """\
A linear SVM (one class against the rest) learns the 18 styles from latents of training loops and is scored on the
validation split, as the seed did it. The seed's encoder is given the style as a condition, so its latents may hold the
style whatever the loop sounds like: its 51.26 % may be that leak's. *Seed's VAE* is that network
as its report states it ({}). Its latents are read with the
true condition, with the style's one-hot set to zero, and with the style of another loop, drawn at random: if the
condition leaks, the SVM then reads that other style, more often than two styles agree by chance. *Hits alone*: the SVM
on the grid of hits itself, no model between. No training loop is gospel and the validation split lacks many styles, so
no accuracy here covers all 18.
"""


def latents(context: StudyContext) -> Findings:
    """Accuracy of the linear probe on latents with and without the condition."""
    rng = np.random.default_rng(0)
    train = thinned(context.loops("train"), 16 if context.quick else 4)
    test = context.loops("validation")
    labels, asked = labels_of(train), labels_of(test)
    takes = [loop.performance for loop in test]
    how = "SVM trained on train loops, scored on all overlapping validation loops, 18 styles."

    def figure(row: str, value: Estimate, note: str = "") -> Figure:
        return Figure(row, "accuracy of the SVM", value, len(test), f"{how} {note}".strip())

    encode = partial(encoded, context)
    known = encode(train, labels)
    other = rng.permutation(asked)
    none = np.full_like(asked, -1)
    probe = partial(linear_probe, performances=takes)
    hidden = encode(train, np.full_like(labels, -1))
    seed = Estimate(0.5126, float("nan"), float("nan"))
    figures = [
        figure("majority", majority(labels, asked, takes)),
        figure("hits alone", probe((hits_of(train), labels), (hits_of(test), asked))),
        figure("seed's VAE, style given", probe((known, labels), (encode(test, asked), asked))),
        figure(
            "seed's VAE, style hidden", probe((hidden, labels), (encode(test, none), asked)), "One-hot zero for both."
        ),
        figure("seed's VAE, another style given", probe((known, labels), (encode(test, other), asked))),
        figure("seed's VAE, another style given: that one read", probe((known, labels), (encode(test, other), other))),
        Figure("seed", "accuracy of the SVM", seed, 0, "As printed: its VAE, style given, validation; with its leak."),
    ]
    return Findings([Section("Latents", TEXT.format(context.seed_vae.past.in_words()), figures)])


def thinned(loops: list[Loop], step: int) -> list[Loop]:
    """Every n-th loop: overlapping ones add little."""
    return loops[::step]


def labels_of(loops: list[Loop]) -> NDArray[np.int64]:
    """Style numbers [n]."""
    return np.array([STYLES.index(loop.style) for loop in loops])


def hits_of(loops: list[Loop]) -> NDArray[np.float32]:
    """Hits of the loops as vectors [n, 576]."""
    return stack(loops)[..., 0].reshape(len(loops), -1)


def encoded(context: StudyContext, loops: list[Loop], styles: NDArray[np.int64]) -> NDArray[np.float32]:
    """Mean latents [n, 128] of the loops with these styles as the encoder's condition (-1: none)."""
    from training.drummers.groovegen.seed_vae import conditions, latents_of

    return latents_of(context.seed_vae.net, stack(loops), conditions(styles, np.array([loop.bpm for loop in loops])))
