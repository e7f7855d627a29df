"""Grooves from words: style, tempo and knobs to loops."""
