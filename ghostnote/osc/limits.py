"""What both ends of an OSC connection must agree on: where the server is, and what it accepts."""

from typing import Final

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 9010
MAX_PACKET: Final = 8192
"""Largest packet that is read, in bytes."""
MAX_AHEAD_S: Final = 60.0
"""Furthest time tag that is accepted, in seconds from now."""
MAX_SUBSCRIBERS: Final = 32
MAX_RATE: Final = 1000.0
"""Messages per second from one peer, on average."""
MAX_BURST: Final = 2000.0
"""Messages that one peer may send at once."""
