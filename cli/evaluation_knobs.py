"""Knobs of the groove generator: how what is heard follows them."""

from cli.evaluation_drums import Findings, Ground
from evaluation.drummers.report import Section


def knobs(ground: Ground) -> Findings:
    """Not measured yet."""
    return Findings([Section("Knobs", "Not measured: there is no groove generator.")])
