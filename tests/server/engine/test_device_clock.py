"""The device's clock on a simulated device: what counts as lost time, how soon it is noticed, and what is none."""

import numpy as np
import pytest

from server.engine.device_clock import DeviceClock

RATE = 48_000
HOP = 256


class Device:
    """Takes `burst` blocks at a time, each late by up to `jitter` steps; is looked at twice per hop, at random."""

    def __init__(self, block=128, burst=1, jitter=0.0, phases=None, seed=1):
        self.block, self.step = block, block * burst
        self.clock = DeviceClock(RATE, block)
        self.lost = 0.0
        """Frames that the device has lost so far."""
        self._random = np.random.default_rng(seed)
        self._phases, self._jitter = phases, jitter * self.step
        self._frame = 10.0 * self.step

    def look(self, hops=1):
        """Two looks for each of so many hops."""
        for _ in range(hops):
            shares = self._phases or sorted(self._random.random(2))
            for share in shares:
                self._see(self._frame + share * HOP)
            self._frame += HOP

    def _see(self, frame):
        """`frame`: of real time. A step that is due is taken up to `jitter` late."""
        late = self._jitter * self._random.random()
        steps = int((frame - self.lost - late) // self.step) + 1
        self.clock.observe(frame / RATE, steps * self.step)

    @property
    def error(self):
        """Frames by which the clock is off now; a device that takes bursts takes each block's frames at its start."""
        lag = self.step - self.block
        return self.clock.frame_at(self._frame / RATE) - (self._frame - self.lost + lag)


@pytest.mark.parametrize(("block", "burst"), [(64, 1), (128, 1), (128, 2), (128, 4), (480, 1), (1024, 1)])
def test_nothing_is_lost_where_callbacks_are_a_little_late_or_come_in_bursts(block, burst):
    device = Device(block, burst, jitter=0.2)
    device.look(20_000)
    assert device.clock.jumps == 0
    assert abs(device.error) < 0.1 * device.step


@pytest.mark.parametrize("phases", [(0.2, 0.45), (0.49, 0.99), (0.97, 0.99)])
def test_looks_that_always_see_the_same_phase_tell_of_no_loss(phases):
    device = Device()
    device.look(100)
    device._phases = phases
    device.look(2000)
    assert device.clock.jumps == 0


@pytest.mark.parametrize("block", [64, 128, 256])
@pytest.mark.parametrize(("share", "hops"), [(0.75, 30), (1, 9), (3, 9), (40, 9)])
def test_lost_time_is_noticed_within_hops(block, share, hops):
    for seed in range(20):
        device = Device(block, seed=seed)
        device.look(200)
        device.lost += share * block
        device.look(hops)
        assert device.clock.jumps >= 1
        device.look(20)
        assert abs(device.error) < 0.15 * block


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_small_step_is_followed_within_two_seconds(share):
    for seed in range(20):
        device = Device(seed=seed)
        device.look(200)
        device.lost += share * device.block
        device.look(400)
        assert abs(device.error) < 0.05 * device.block


def test_frames_that_are_taken_early_are_noticed_at_once():
    device = Device()
    device.look(200)
    device.lost -= 2 * device.block
    device.look(2)
    assert device.clock.jumps >= 1
    device.look(10)
    assert abs(device.error) < 0.15 * device.block


@pytest.mark.parametrize("lost", [1, 3, 10])
@pytest.mark.parametrize("after", [2, 10, 16, 24, 30])
def test_time_lost_before_the_clock_is_settled_leaves_no_error(lost, after):
    for seed in range(5):
        device = Device(seed=seed)
        device.look(after)
        device.lost += lost * device.block
        while not device.clock.settled:
            device.look()
        device.look(30)
        assert abs(device.error) < 0.15 * device.block
        assert abs(device.clock.drift_ppm) < 200
