"""Grooves that are generated while the server plays."""
