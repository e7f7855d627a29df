"""MIDI ports and bytes."""
