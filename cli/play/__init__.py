"""Commands that play, or control a running server."""
