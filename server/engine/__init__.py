"""The render thread: what sounds when, in one constant latency."""
