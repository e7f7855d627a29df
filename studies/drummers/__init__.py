"""What the drummers play, measured section by section against real drumming."""
