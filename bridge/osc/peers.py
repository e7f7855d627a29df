"""Who talks to the OSC server: how fast each may, and who is told of changes. Memory is bounded in both."""

from collections import OrderedDict
from typing import Final

from ghostnote.osc.limits import MAX_BURST, MAX_RATE, MAX_SUBSCRIBERS

Peer = tuple[str, int]
"""Host and port."""

MAX_PEERS: Final = 256


class RateLimit:
    """A token bucket per peer: `rate` messages per second on average, bursts of up to `burst`.

    Used by one thread. The peers heard of longest ago are forgotten first, which gives them a full bucket again.
    """

    def __init__(self, rate: float = MAX_RATE, burst: float = MAX_BURST) -> None:
        self.rate, self.burst = rate, burst
        self._buckets: OrderedDict[Peer, tuple[float, float]] = OrderedDict()

    def allows(self, peer: Peer, now: float, cost: int = 1) -> bool:
        """Whether `cost` messages more may pass at `now` [s]; what may not costs nothing."""
        tokens, then = self._buckets.pop(peer, (self.burst, now))
        tokens = min(self.burst, tokens + (now - then) * self.rate)
        passes = tokens >= cost
        self._buckets[peer] = (tokens - cost if passes else tokens, now)
        if len(self._buckets) > MAX_PEERS:
            self._buckets.popitem(last=False)
        return passes


class Subscribers:
    """Peers that are told of changes until their time is over. Used by one thread."""

    def __init__(self) -> None:
        self._until: dict[Peer, float] = {}

    def add(self, peer: Peer, until: float) -> bool:
        """Subscribe, or prolong; False when the list is full."""
        if peer not in self._until and len(self._until) >= MAX_SUBSCRIBERS:
            return False
        self._until[peer] = until
        return True

    def remove(self, peer: Peer) -> None:
        """End a subscription, if there is one."""
        self._until.pop(peer, None)

    def present(self, now: float) -> tuple[Peer, ...]:
        """Those whose time is not over."""
        self._until = {peer: until for peer, until in self._until.items() if until > now}
        return tuple(self._until)
