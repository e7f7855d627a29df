"""Grid -> codes: the live predictor and the paper's Base and Large."""
