"""Measures of what drummers play: loops, hits, grooves, knobs. Performances in, numbers out; no model, no torch."""
