"""Grooves that are made up while the server plays."""
