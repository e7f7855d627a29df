"""Training of the groove generator, and the published model that it is measured against."""
