"""Corpora, and what is trained on: read, mixed, cut into windows."""
