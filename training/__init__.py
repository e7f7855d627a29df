"""Training of codecs and predictors (torch). Nothing a user runs imports this package."""
