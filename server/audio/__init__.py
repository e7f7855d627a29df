"""The output device, its ring buffer, and what is read back from it: recordings and meters."""
