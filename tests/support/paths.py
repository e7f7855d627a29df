"""Where this checkout and the tests' own bundle lie."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests" / "data" / "tiny_bundle"
"""A bundle of untrained toy networks."""
