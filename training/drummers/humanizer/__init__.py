"""Training of the humaniser."""
