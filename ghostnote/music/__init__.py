"""Music as data: articulations, performances, the grid that a predictor reads."""
