"""Commands that make files: grooves, performances, sound."""
