"""Hits to sound through the networks; needs no device and, except for changes of kit, no thread."""
