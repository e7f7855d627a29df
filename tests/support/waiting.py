"""Waiting for states, never for times."""

import time


def wait_for(condition, timeout=10.0):
    """Wait until `condition()` holds; fails after `timeout` seconds."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def repeat_until(action, condition, timeout=10.0):
    """Do it again and again until `condition()` holds: JACK drops what a client without realtime rights missed."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "tried in vain"
        action()
        time.sleep(0.2)
