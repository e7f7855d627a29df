"""Commands that look whether this machine can play, and set it up."""
