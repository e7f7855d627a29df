"""Thin widgets: they show what a session or model says and call it; nothing is decided here."""
