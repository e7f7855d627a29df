"""Training of the drummers, on the Groove MIDI Dataset."""
