"""What the beat follows, as the status tells it."""

import pytest

from ghostnote.events import ClockEvent, TransportEvent
from server.engine.transport import CLOCK_LOST_SECONDS, Transport


@pytest.fixture
def transport():
    return Transport()


def test_without_anything_heard_it_is_the_own_tempo(transport):
    assert transport.sync_at(0.0) == "own tempo"


def test_a_clock_counts_as_long_as_it_ticks(transport):
    transport.transport(TransportEvent(9.0, "start", 0.0))
    transport.clock(ClockEvent(10.0))
    assert transport.sync_at(10.0 + 0.9 * CLOCK_LOST_SECONDS) == "MIDI clock"
    assert transport.sync_at(10.0 + 1.1 * CLOCK_LOST_SECONDS) == "own tempo", "its host is gone"


def test_a_transport_without_a_clock_is_that_of_osc_until_it_stops(transport):
    transport.transport(TransportEvent(1.0, "start", 0.0))
    assert transport.sync_at(2.0) == "OSC transport"
    transport.transport(TransportEvent(3.0, "stop", 4.0))
    assert transport.sync_at(3.0) == "own tempo"
