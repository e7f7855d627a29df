"""Hits to sound through the networks: no device, no thread of its own but for kits."""
