"""Blind listening in the browser: ABX tests and ratings of sound files, level-matched, every answer kept at once."""
