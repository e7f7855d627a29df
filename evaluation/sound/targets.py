"""Requirements for the row that ships, each with what was measured. Targets whose rows are absent are
left out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from evaluation.bootstrap import Estimate
from evaluation.sound.fad import Fad
from evaluation.sound.rows import REFERENCE
from evaluation.sound.summary import Study

LEVEL_DB: Final = 1.0
ONSET_SHARE: Final = 0.95
LINES_DB: Final = 1.5
BANDS_DB: Final = 1.95
BIAS_DB: Final = 0.5
KIT_SHARE: Final = 0.85
FAD: Final = 8.0
HIGHER: Final = ("envelope_r", "onset_f1_50ms", "onset_f1_10ms")
LOWER: Final = ("bands_db", "tter_db", "level_abs_db")
EVEN: Final = ("kick", "snare", "tom_high", "tom_mid", "tom_low")


@dataclass(frozen=True)
class Target:
    """One thing to reach."""

    text: str
    measured: str
    met: bool


def check_targets(study: Study, focus: str, fads: dict[str, Fad]) -> list[Target]:
    """All targets that can be judged from the rows of the study, for the row `focus`."""
    return [
        level_target(study, focus),
        *onset_target(study, focus),
        *baseline_targets(study, focus, fads),
        *codec_targets(study, focus, fads),
        *dynamics_target(study, focus),
        *joins_target(study, focus),
    ]


def level_target(study: Study, focus: str) -> Target:
    """Level near the truth on every kit."""
    levels = {kit: study.estimate(focus, "level_db", kit).value for kit in study.kits}
    worst = max(levels, key=lambda kit: abs(levels[kit]))
    measured = f"worst: {levels[worst]:+.2f} dB, {worst}"
    return Target(f"mean level within ±{LEVEL_DB} dB on every kit", measured, abs(levels[worst]) <= LEVEL_DB)


def onset_target(study: Study, focus: str) -> Iterator[Target]:
    """Onsets about as clear as the sampler's."""
    if "sampler" in study.names and focus != "sampler":
        share = study.estimate(focus, "onset_f1_50ms").value / study.estimate("sampler", "onset_f1_50ms").value
        yield Target(f"onset F1 (50 ms) at least {ONSET_SHARE} of the sampler's", f"{share:.3f}", share >= ONSET_SHARE)


def baseline_targets(study: Study, focus: str, fads: dict[str, Fad]) -> Iterator[Target]:
    """Better than the paper's recipe with intervals that do not touch."""
    if "base" not in study.names or focus == "base":
        return
    pairs = [
        (measure, study.estimate(focus, measure), study.estimate("base", measure)) for measure in (*HIGHER, *LOWER)
    ]
    for measure, ours, theirs in [*pairs, ("fad", fads[focus].whole, fads["base"].whole)]:
        better = ours.value > theirs.value if measure in HIGHER else ours.value < theirs.value
        measured = f"{interval(ours)} against {interval(theirs)}"
        yield Target(f"{measure} better than base, intervals apart", measured, better and ours.apart(theirs))


def interval(estimate: Estimate) -> str:
    """The estimate's interval."""
    return f"{estimate.low:.3f}..{estimate.high:.3f}"


def codec_targets(study: Study, focus: str, fads: dict[str, Fad]) -> Iterator[Target]:
    """As near to the recordings as nobody can tell."""
    for measure, most in (("lines_db", LINES_DB), ("bands_db", BANDS_DB), ("bias_db", BIAS_DB)):
        value = study.estimate(focus, measure).value
        yield Target(f"{measure} at most {most:g}", f"{value:.2f}", abs(value) <= most)
    share = study.estimate(focus, "kit_id").value / max(study.estimate(REFERENCE, "kit_id").value, 1e-9)
    yield Target(f"kit identified at least {KIT_SHARE} of what true audio gives", f"{share:.3f}", share >= KIT_SHARE)
    distance = fads[focus].whole.value
    yield Target(f"FAD at most {FAD:g}", f"{distance:.1f}", distance <= FAD)


def dynamics_target(study: Study, focus: str) -> Iterator[Target]:
    """Harder is never softer."""
    judged = [
        (entry, kit)
        for (row, kit), entries in study.dynamics.items()
        for entry in entries
        if row == focus and entry.articulation in EVEN
    ]
    if judged:
        failing = sorted({f"{entry.articulation} on {kit}" for entry, kit in judged if not entry.monotone})
        measured = f"{len(judged) - len(failing)} of {len(judged)}" + (f", not {', '.join(failing)}" if failing else "")
        yield Target("velocity to loudness monotone for kick, snare and toms on every kit", measured, not failing)


def joins_target(study: Study, focus: str) -> Iterator[Target]:
    """No clicks where windows meet."""
    ratios = {kit: joins.ratio for (row, kit), joins in study.joins.items() if row == focus}
    if ratios:
        worst = max(ratios, key=lambda kit: ratios[kit])
        measured = f"worst: {ratios[worst]:.3f}, {worst}"
        yield Target("largest step at window joins at most that elsewhere", measured, ratios[worst] <= 1)
