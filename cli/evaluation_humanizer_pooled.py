"""Humaniser: how near a drummer's humanised takes, all together, come to what that drummer really plays."""

from typing import Final

from cli.evaluation_drums import Findings, Ground, attempt
from cli.evaluation_humanizer import HUMANISED, Take, compared, human, opening
from evaluation.drummers.mechanical import habits, jittered, quantised
from evaluation.drummers.report import Claim, Figure, Section
from evaluation.humanizer_eval import compare
from ghostnote.performance import Performance

TEXT: Final = """\
All 4/4 takes of the test split, beats and fills, quantised as above. The takes of a drummer are pooled, because a take
that is drawn from a distribution cannot be the take that was played. Timing and velocity: Wasserstein-1 distance by
drummer and class. Profiles: mean absolute difference of mean timing and velocity at each sixteenth of the bar, by
drummer and class. Wandering: mean absolute difference of the autocorrelation at lags of 1 to 8 hits, by drummer. Means
over drummers weighted by hits; intervals from resampled takes.
"""


def takes_of(ground: Ground, split: str) -> list[Take]:
    """The 4/4 takes of a split and their patterns."""
    of = habits(ground.beats("train"))
    chosen = [p for p in ground.performances if p.split == split and p.meter == (4, 4) and len(p.hits)]
    return [Take(real, quantised(real, of)) for real in map(opening, chosen[:: 8 if ground.quick else 1])]


def humanizer_pooled(ground: Ground, split: str = "test") -> Findings:
    """Pooled distances of the humaniser and both baselines."""
    takes = takes_of(ground, split)
    of = habits(ground.beats("train"))
    rows: dict[str, list[Performance]] = {
        "quantised": [take.pattern for take in takes],
        "jitter": [jittered(take.pattern, of, number) for number, take in enumerate(takes)],
    }
    play, missing = attempt(lambda: human(ground))
    if play:
        rows = {HUMANISED: [play(take, take.number) for take in takes], **rows}
    real = [take.real for take in takes]
    found = {row: compare(real, played) for row, played in rows.items()}
    names = list(found["quantised"])
    figures = [
        Figure(row, name, found[row][name], len(takes), "Pooled by drummer, mean over drummers.")
        for name in names
        for row in rows
    ]
    claims: list[Claim] = []
    for name in names:
        text = f"humanised takes of a drummer nearer to real ones than quantised and jitter: {name}"
        estimates = {row: of_row[name] for row, of_row in found.items()}
        if HUMANISED not in estimates:
            claims.append(Claim(text, "-", None))
            continue
        ours = estimates.pop(HUMANISED)
        claims.append(Claim(text, compared(ours, estimates), all(ours.high < e.low for e in estimates.values())))
    return Findings([Section("Humaniser, by drummer", TEXT + missing, figures)], claims)
