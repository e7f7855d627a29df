"""Training of the continuation drummer, its baselines and its score."""
