"""Knobs of the groove generator: how measured properties follow them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from evaluation.drummers.knobs import Response, response
from evaluation.drummers.pictures import save_responses
from evaluation.drummers.profile import density, mean_velocity, swing
from evaluation.drummers.report import Figure, Section
from ghostnote.music.performance import Performance
from studies.drummers.context import BARS, Findings, StudyContext, attempt

PICTURE: Final = "drummers/knobs.png"
STYLES: Final = ("rock", "funk", "latin", "hiphop", "soul")
SEEDS: Final = 4

TEXT: Final = f"""\
Grooves of {BARS} bars in {len(STYLES)} styles ({", ".join(STYLES)}) with {SEEDS} seeds each, one knob
turned, the others left to
the style. Intervals over style and seed. Density in hits per bar; loudness as mean velocity 0..1; swing where the
second of two eighths falls (0.5 straight, 0.667 triplets), median over hats and ride. *Rank correlation*: of single
grooves with the setting (Spearman), 1 when every turn up is heard in every groove.
"""


@dataclass(frozen=True)
class Knob:
    """A field of the request, its settings, and what is heard of it."""

    field: str
    settings: tuple[float, ...]
    measure: Callable[[Performance], float]
    quantity: str


KNOBS: Final = (
    Knob("density", (-1.0, -0.5, 0.0, 0.5, 1.0), density, "hits per bar"),
    Knob("intensity", (-1.0, -0.5, 0.0, 0.5, 1.0), mean_velocity, "mean velocity"),
    Knob("swing", (0.5, 0.55, 0.6, 0.667), swing, "place of the second eighth"),
)


def knobs(context: StudyContext) -> Findings:
    """Response curves of density, intensity and swing."""
    generator, missing = attempt(lambda: load(context))
    if not generator:
        return Findings([Section("Knobs", TEXT + missing)])
    found = {knob.field: (turn(generator, knob, 1 if context.quick else SEEDS), knob.quantity) for knob in KNOBS}
    save_responses(context.out / PICTURE, found)
    figures = [figure for name, (curve, quantity) in found.items() for figure in figures_of(name, curve, quantity)]
    return Findings([Section("Knobs", TEXT, figures, (PICTURE,))])


def load(context: StudyContext) -> Any:
    """The groove generator. Raises MissingError without it."""
    from drummers.groovegen.model import GrooveGenerator

    return GrooveGenerator(context.models / "groovegen")


def turn(generator: Any, knob: Knob, seeds: int) -> Response:
    """What is heard at each setting, same styles and seeds at all."""
    from drummers.groovegen.prompt import parse

    draws = [(style, seed) for style in STYLES for seed in range(seeds)]
    requests = {style: replace(parse(style), bars=BARS) for style in STYLES}

    def quantity(setting: float) -> list[float]:
        turned = {style: replace(request, **{knob.field: setting}) for style, request in requests.items()}
        return [knob.measure(generator.generate(turned[style], seed)) for style, seed in draws]

    measured = [quantity(setting) for setting in knob.settings]
    return response(knob.settings, measured, [f"{style} {seed}" for style, seed in draws])


def figures_of(name: str, curve: Response, quantity: str) -> list[Figure]:
    """The curve's points and its rank correlation."""
    from evaluation.bootstrap import Estimate

    points = [
        Figure(f"{name} {setting:g}", quantity, value, len(STYLES) * SEEDS, "Mean over grooves.")
        for setting, value in zip(curve.settings, curve.measured, strict=True)
    ]
    none = float("nan")
    rises = "The mean rises with every step." if curve.rising else "The mean does not rise with every step."
    correlation = Estimate(curve.correlation, none, none)
    return [*points, Figure(name, "rank correlation", correlation, len(curve.settings) * len(STYLES) * SEEDS, rises)]
