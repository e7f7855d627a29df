"""Thin widgets: they show the state of a session or model and call it; no logic here."""
