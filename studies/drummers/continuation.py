"""Continuation: how much of what real drummers play next is foreseen, bar by bar and over four bars."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from drummers.common.tokens import Score, decode, encode
from evaluation.bootstrap import Estimate, mean_interval, paired_interval
from evaluation.drummers.hits import Match, match_hits
from evaluation.drummers.profile import density
from evaluation.drummers.report import Claim, Figure, Section
from ghostnote.music.performance import Performance
from studies.drummers.context import Findings, StudyContext, attempt
from training.drummers.continuation.baselines import StyleMarginal, repeat_last_bar, style_marginal, vote_of_bars
from training.drummers.continuation.score import Counts, Item, f1, hit_counts, items

CONTEXT: Final = 4
"""Bars heard before playing on."""
PER_PERFORMANCE: Final = 4
THRESHOLDS: Final = tuple(np.arange(0.05, 0.61, 0.05).round(2).tolist())
VOTES: Final = (2, 3)
LONG: Final = 64
"""Bars of the run that must not drift."""
Player = Callable[[Item, int], Score]
"""Plays so many bars on from a question."""

TEXT: Final = f"""\
Windows of {CONTEXT} bars of the beats of the test split (fills are left out, all meters are in), one after another, at
most {PER_PERFORMANCE} per performance (1 where four bars are asked for); what was really played next is the truth. The
model hears the {CONTEXT} bars, the style and who plays.

- *hit F1, slots*: hits as (sixteenth, piece), all windows' hits together; exactly the same slot.
- *hit F1, 50 ms*: hits matched one to one inside nine classes within 50 ms, mean over windows.
- *groove distance*: (sum over matched hits of sqrt((dt / 20 ms)^2 + (dv / 0.2)^2) + 3 U) / (M + U) with M matched and U
  unmatched hits of both sides; mean over windows. 0 is the same performance; 3 is no hit in common.
- *repeat last bar*: the last bar heard again, with its timing and velocity. *style marginal*: what the style strikes
  at that slot in more than a share of the training bars. *Vote of the bars*: the slots that a piece strikes in so many
  of the {CONTEXT} bars heard, as in the last that does. Share and votes are chosen on the validation split.
"""


@dataclass(frozen=True)
class Question:
    """What follows an item's context, over a number of bars."""

    item: Item
    truth: Performance
    bars: int


def continuation(context: StudyContext) -> Findings:
    """Hit F1 and groove distance of the model and its baselines."""
    validation = list(items(context.beats("validation"), CONTEXT, PER_PERFORMANCE))
    marginal = fit_marginal(context, validation)
    votes = max(VOTES, key=lambda votes: foreseen(lambda item: vote_of_bars(item.context, votes), validation))
    players: dict[str, Player] = {
        "repeat last bar": lambda item, bars: repeat_last_bar(item.context, bars),
        "vote of the bars": lambda item, bars: vote_of_bars(item.context, votes, bars),
        "style marginal": lambda item, bars: marginal.play(item.performance.style, item.context.slots, bars),
    }
    model, missing = attempt(lambda: continuer(context))
    if model:
        players = {"continuation": model, **players}
    figures: list[Figure] = []
    claims: list[Claim] = []
    for bars in (1, 4):
        questions = ask(context, bars)
        answers = {row: [play(q.item, bars) for q in questions] for row, play in players.items()}
        found, better = compare(questions, answers, bars)
        figures += found
        claims += better if bars == 1 else []
    if model:
        figures.append(drift(context, model))
    text = TEXT + f"  Chosen share: {marginal.threshold}; votes: {votes}.\n" + missing
    return Findings([Section("Continuation", text, figures)], claims)


def continuer(context: StudyContext) -> Player:
    """The trained model at its usual temperature. Raises MissingError without it."""
    from drummers.continuation.model import Continuer

    model = Continuer(context.models / "continuation")

    def play(item: Item, bars: int) -> Score:
        performance = item.performance
        preceding = decode(item.context, performance)
        number = int(performance.drummer.removeprefix("drummer") or 0)
        return shown(encode(model.play_on(preceding, bars, drummer=number, seed=0)), bars)

    return play


def shown(score: Score, bars: int) -> Score:
    """The score as one of so many bars: `encode` ends with the last hit."""
    return Score(score.part(0, bars).events, score.slots, bars)


def fit_marginal(context: StudyContext, validation: Sequence[Item]) -> StyleMarginal:
    """The style marginal of the train split with the threshold that is best on the questions of `validation`."""
    base = style_marginal([(p.style, encode(p)) for p in context.beats("train")], THRESHOLDS[0])

    def fitted(threshold: float) -> StyleMarginal:
        return StyleMarginal(base.chance, base.velocity, threshold)

    def score(threshold: float) -> float:
        return foreseen(lambda i: fitted(threshold).play(i.performance.style, i.context.slots), validation)

    return fitted(max(THRESHOLDS, key=score))


def foreseen(answer: Callable[[Item], Score], questions: Sequence[Item]) -> float:
    """Hit F1 of the next bar, all questions' hits together."""
    counts = [hit_counts(answer(item), item.truth) for item in questions]
    return f1(Counts(*np.sum(counts, axis=0).tolist()))


def ask(context: StudyContext, bars: int) -> list[Question]:
    """The questions with their truths over so many bars; those whose truth would go beyond the take are left out."""
    most = 1 if context.quick or bars > 1 else PER_PERFORMANCE
    questions: list[Question] = []
    for performance in context.beats("test"):
        score = encode(performance)
        starts = range(0, score.bars - CONTEXT - bars + 1, CONTEXT + bars)
        found: list[Question] = []
        for start in starts:
            before = score.part(start, start + CONTEXT)
            truth = score.part(start + CONTEXT, start + CONTEXT + bars)
            if len(truth.events) and len(before.events) and before.events["bar"][-1] == CONTEXT - 1:
                found.append(Question(Item(performance, before, truth), decode(truth, performance), bars))
        keep = np.linspace(0, len(found) - 1, min(len(found), most)).round().astype(int)
        questions += [found[i] for i in keep]
    return questions


def compare(
    questions: Sequence[Question], answers: dict[str, list[Score]], bars: int
) -> tuple[list[Figure], list[Claim]]:
    """Figures of every row, and whether the first is better than the others."""
    takes = [q.item.performance.name for q in questions]
    how = "The next bar." if bars == 1 else f"The next {bars} bars."
    matches = {
        row: [match_hits(q.truth, decode(a, q.item.performance)) for q, a in zip(questions, given, strict=True)]
        for row, given in answers.items()
    }
    figures: list[Figure] = []
    for row, given in answers.items():
        counts = np.array([slot_counts(q, a) for q, a in zip(questions, given, strict=True)])
        n, label = len(questions), f", {bars} bar{'s' * (bars > 1)}"
        figures += [
            Figure(row, f"hit F1, slots{label}", micro_f1(counts, takes), n, how),
            Figure(row, f"hit F1, 50 ms{label}", mean_interval(values(matches[row], "f1"), takes), n, how),
            Figure(row, f"groove distance{label}", mean_interval(values(matches[row], "distance"), takes), n, how),
        ]
    return figures, better(matches, takes)


def values(matches: Sequence[Match], measure: str) -> list[float]:
    """A measure of every match."""
    return [getattr(match, measure) for match in matches]


def slot_counts(question: Question, answer: Score) -> list[int]:
    """Found, predicted and played over all bars of a question."""
    truth = question.item.truth
    return np.sum([hit_counts(answer.part(i, i + 1), truth.part(i, i + 1)) for i in range(truth.bars)], 0).tolist()


def micro_f1(counts: np.ndarray, takes: Sequence[str]) -> Estimate:
    """F1 of all windows' hits [windows, 3] together; interval over performances."""
    names, members = np.unique(takes, return_inverse=True)
    per_take = np.zeros((len(names), 3))
    np.add.at(per_take, members, counts)
    draws = np.random.default_rng(0).integers(len(names), size=(2000, len(names)))
    sums = per_take[draws].sum(1)
    low, high = np.percentile(2 * sums[:, 0] / np.maximum(1, sums[:, 1] + sums[:, 2]), (2.5, 97.5))
    total = counts.sum(0)
    return Estimate(float(2 * total[0] / max(1, total[1] + total[2])), float(low), float(high))


def better(matches: dict[str, list[Match]], takes: Sequence[str]) -> list[Claim]:
    """Whether the model's hit F1 is above each baseline's, window by window."""
    claims: list[Claim] = []
    for row in matches:
        if row == "continuation":
            continue
        text = f"hit F1 of the continuation's next bar above {row} (50 ms)"
        if "continuation" not in matches:
            claims.append(Claim(text, "-", None))
            continue
        gain = paired_interval(values(matches["continuation"], "f1"), values(matches[row], "f1"), takes)
        claims.append(Claim(text, f"{gain.value:+.3f} [{gain.low:.3f}, {gain.high:.3f}]", gain.low > 0))
    return claims


def drift(context: StudyContext, model: Player) -> Figure:
    """How dense the last eight of 64 bars are compared with the context."""
    chosen = {q.item.performance.style: q for q in ask(context, 1)}
    questions = list(chosen.values())[: 1 if context.quick else 2]
    ratios: list[float] = []
    for question in questions:
        played_bars, like = question.item.context, question.item.performance
        played = model(question.item, LONG)
        last = decode(played.part(LONG - 8, LONG), like)
        ratios.append(density(last) / density(decode(played_bars, like)))
    value = mean_interval(ratios, [q.item.performance.name for q in questions])
    how = f"Hits per bar in bars {LONG - 7} to {LONG} / in the {CONTEXT} bars heard; takes of different styles."
    return Figure("continuation", f"density after {LONG} bars", value, len(questions), how, 2)
