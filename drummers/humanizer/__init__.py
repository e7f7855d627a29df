"""A quantised pattern in, a performed pattern out."""
