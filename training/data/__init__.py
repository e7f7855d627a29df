"""Corpora and training data: read, mixed, cut into windows."""
