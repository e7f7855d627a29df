"""Measures of rendered drums against their reference, and their tables."""
