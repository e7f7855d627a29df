"""Latents of the groove generator: what a linear classifier reads from where a loop lies."""

from cli.evaluation_drums import Findings, Ground
from evaluation.drummers.report import Section


def latents(ground: Ground) -> Findings:
    """Not measured yet."""
    return Findings([Section("Latents", "Not measured: there is no groove generator.")])
