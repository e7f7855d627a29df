"""The render thread: which hit sounds when, at one constant latency."""
