"""The peers of the OSC server: their rate limits, and who receives changes. Memory is bounded in both."""

from collections import OrderedDict
from typing import Final

from ghostnote.osc.limits import MAX_BURST, MAX_RATE, MAX_SUBSCRIBERS

Peer = tuple[str, int]
"""Host and port."""

MAX_PEERS: Final = 256


class RateLimit:
    """A token bucket per peer: `rate` messages per second on average, bursts of up to `burst`.

    Not thread-safe. The peers seen longest ago are dropped first, which gives them a full bucket again.
    """

    def __init__(self, rate: float = MAX_RATE, burst: float = MAX_BURST) -> None:
        self.rate, self.burst = rate, burst
        self._buckets: OrderedDict[Peer, tuple[float, float]] = OrderedDict()

    def allows(self, peer: Peer, now: float, cost: int = 1) -> bool:
        """Whether `cost` more messages may pass at `now` [s]; refused messages cost nothing."""
        tokens, then = self._buckets.pop(peer, (self.burst, now))
        tokens = min(self.burst, tokens + (now - then) * self.rate)
        passes = tokens >= cost
        self._buckets[peer] = (tokens - cost if passes else tokens, now)
        if len(self._buckets) > MAX_PEERS:
            self._buckets.popitem(last=False)
        return passes


class Subscribers:
    """Peers that receive changes until their subscription expires. Not thread-safe."""

    def __init__(self) -> None:
        self._until: dict[Peer, float] = {}

    def add(self, peer: Peer, until: float) -> bool:
        """Subscribe, or renew; False when the list is full."""
        if peer not in self._until and len(self._until) >= MAX_SUBSCRIBERS:
            return False
        self._until[peer] = until
        return True

    def remove(self, peer: Peer) -> None:
        """End a subscription, if there is one."""
        self._until.pop(peer, None)

    def present(self, now: float) -> tuple[Peer, ...]:
        """Those whose subscription has not expired."""
        self._until = {peer: until for peer, until in self._until.items() if until > now}
        return tuple(self._until)
