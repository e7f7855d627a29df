"""Continuing, bar by bar, from what was just played."""
